import { heldClock, type Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import type { Peer } from '../../kernel/mcp/peer.ts'
import { NO_PROFILES, type Profile, type Profiles } from '../../kernel/mcp/profile.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { CallContext, Tool } from '../../kernel/tool.ts'
import type { Caller } from '../../kernel/caller.ts'
import { createSight } from '../../kernel/reach.ts'
import { owner, testDoor, testHub } from '../../testing/hub.ts'
import { catalogService, createKeptResults } from './index.ts'

/** A tool as one of another server: MCP clients get its text, others a value. */
export function tool(name: string, summary: string, more: Partial<Tool> = {}): Tool {
  return {
    name,
    summary,
    scope: `mcp:${name.split('.')[0]}`,
    effect: 'read',
    idempotent: true,
    openWorld: false,
    streams: false,
    inputSchema: { type: 'object', properties: {} },
    parse: (input) => input ?? {},
    checkOutput: () => {},
    run: async (input, { peer }) => (peer ? new RelayedResult(`{"said": ${peer.params}}`) : { did: name, input }),
    ...more,
  }
}

export const peer = (params: object | string, more: Partial<Peer> = {}): Peer => ({
  revision: '2025-11-25',
  capabilities: {},
  clientInfo: undefined,
  logLevel: undefined,
  params: typeof params === 'string' ? params : JSON.stringify(params),
  notify: () => {},
  ...more,
})

export const profileNamed = (name: string, more: Partial<Profile>): Profiles => ({
  names: () => [name],
  get: (asked) =>
    asked === name
      ? { name, includes: () => true, includesProvider: () => true, list: 'auto', ...more }
      : NO_PROFILES.get(asked),
})

/** The service among these tools, behind the one door. */
export async function catalogOf(
  tools: readonly Tool[],
  { profiles = NO_PROFILES, clock = heldClock() }: { profiles?: Profiles; clock?: Clock } = {},
) {
  const door = testDoor(tools)
  const kept = createKeptResults(clock)
  const service = catalogService({
    profiles,
    sight: createSight(),
    kept,
    listing: (_, entries) => ({ mode: 'all', entries }),
    sent: () => door.registry.list().map(({ name }) => ({ name })),
  })
  const surroundings = { clock, events: door.events, log: silentLog }
  const part = service.join(surroundings, door.registry, () => ({ status: 'available', sinceMs: 0 }))
  const running = await part.start({ hub: testHub(door) }, new AbortController().signal)
  const call = (
    operation: string,
    input: unknown,
    more: { caller?: Caller; peer?: Peer } & Partial<CallContext> = {},
  ) => door.invoke({ operation: `catalog.${operation}`, input, caller: owner, ...more })
  return { ...door, call, kept, stop: () => running.stop() }
}

export const faultOf = async (work: Promise<unknown>): Promise<Fault> => {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof Fault) return outcome
  throw new TypeError('It did not fail.')
}
