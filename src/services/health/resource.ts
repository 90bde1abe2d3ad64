import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Params } from '../../kernel/mcp/message.ts'
import type { OfferSpec } from '../../kernel/offer.ts'
import { shown } from './alert-operations.ts'
import { findPart } from './check.ts'
import { partOf, type Deps } from './shapes.ts'
import { worst } from './status.ts'

const ALL = 'alicia://health'
const ONE = `${ALL}/{name}`
const JSON_TYPE = 'application/json'

const addressOf = (name: string) => `${ALL}/${encodeURIComponent(name)}`

/** What MCP clients can read and subscribe to, instead of asking again and again. */
export const offers: OfferSpec<Deps> = {
  prompts: [],
  resources: [
    {
      key: ALL,
      value: {
        uri: ALL,
        name: 'health',
        description: 'Every service and MCP server, and alerts.',
        mimeType: JSON_TYPE,
      },
    },
  ],
  templates: [
    {
      key: ONE,
      value: { uriTemplate: ONE, name: 'health-of', description: 'One service or MCP server.', mimeType: JSON_TYPE },
    },
  ],
  capabilities: { resources: { subscribe: true } },
  owns: (_, { uri }) => typeof uri === 'string' && (uri === ALL || uri.startsWith(`${ALL}/`)),
  methods: [
    {
      method: 'resources/read',
      scope: 'health:read',
      handler: async ({ uri }, deps) => ({
        contents: [{ uri, mimeType: JSON_TYPE, text: JSON.stringify(read(uri, deps)) }],
      }),
    },
    { method: 'resources/subscribe', scope: 'health:read', handler: known },
    { method: 'resources/unsubscribe', scope: 'health:read', handler: async () => ({}) },
  ],
}

/** Tells subscribers what changed. Returns what ends it. */
export function announceChanges(events: Events): () => void {
  return events.on('status.changed', ({ name }) => {
    for (const uri of [ALL, addressOf(name)]) events.emit('resource.updated', { provider: 'health', uri })
  })
}

async function known({ uri }: Params, deps: Deps): Promise<Params> {
  read(uri, deps)
  return {}
}

function read(uri: unknown, { hub, alerts }: Deps): object {
  if (uri === ALL) {
    const parts = hub.parts()
    return {
      status: worst(parts.map(({ status }) => status)),
      services: parts.map(partOf),
      alerts: alerts.active().map(shown),
    }
  }
  const name = typeof uri === 'string' && uri.startsWith(`${ALL}/`) ? decoded(uri.slice(ALL.length + 1)) : undefined
  if (name !== undefined) return partOf(findPart(hub, name))
  throw new Fault('not_found', `There is no resource ${JSON.stringify(String(uri).slice(0, 200))}.`)
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
