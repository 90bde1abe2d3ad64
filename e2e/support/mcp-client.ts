import process from 'node:process'
import {
  Client,
  StreamableHTTPClientTransport,
  type StandardSchemaV1,
  type Transport,
} from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js'
import type { Ending } from './hub.ts'
import { within } from './program.ts'
import type { Command } from './servers.ts'

/** A message that has a method, as it came. */
export interface Said {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

export type Result = Readonly<Record<string, unknown>>

/** What tests use of an MCP client, whichever generation of the SDK made it. It can be asked for everything. */
export interface McpClient {
  /** Every notification, as the transport had it: the SDK itself may drop one that comes right before an answer. */
  readonly notifications: readonly Said[]
  /** Every question of the server, in whichever form it came. */
  readonly questions: readonly Said[]
  request(method: string, params?: object): Promise<Result>
  /** `tools/call`; what it answers, also where it says that it failed. */
  call(name: string, input?: object, meta?: object): Promise<Result>
  /** Every page of it. */
  list(kind: 'tools' | 'prompts' | 'resources' | 'resourceTemplates'): Promise<{ name: string; uri?: string }[]>
  /** The first such notification, from the beginning on. */
  notified(method: string, passes?: (params: Said['params']) => boolean): Promise<Said>
  serverCapabilities(): object | undefined
  close(): Promise<void>
}

/** A program to start, or an address that wants a token. */
export type Server = Command | { readonly url: string; readonly token: string }

/** The first text of a result. */
export const textOf = ({ content }: Result = {}): string => (content as [{ text: string }])[0].text

/** How this client answers what a server asks. */
export const ANSWERS: Readonly<Record<string, Result>> = {
  'sampling/createMessage': { role: 'assistant', model: 'test', content: { type: 'text', text: 'sampled answer' } },
  'elicitation/create': { action: 'accept', content: { name: 'Ada', check: true } },
  'roots/list': { roots: [{ uri: 'file:///tmp', name: 'tmp' }] },
}

const QUESTIONS = [
  ['sampling', 'sampling/createMessage'],
  ['elicitation', 'elicitation/create'],
  ['roots', 'roots/list'],
] as const

export const CAPABILITIES = { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } }

const me = { name: 'e2e', version: '1' }

type Connect = (ending: Ending, server: Server, capabilities?: object) => Promise<McpClient>

export type ClientKind = 'SDK v1' | 'SDK v2, old era' | 'SDK v2, new era'

/** Every kind of client. The new era falls back where the server has a handshake only. */
export const CLIENTS: Readonly<Record<ClientKind, Connect>> = {
  'SDK v1': async (ending, server, capabilities = CAPABILITIES) => {
    const client = new OldClient(me, { capabilities })
    const seen = recorder()
    client.fallbackRequestHandler = async ({ method, params }) => seen.answer(method, params)
    const transport =
      'url' in server ? new OldHttp(new URL(server.url), bearer(server)) : new OldStdio(spawning(server))
    await client.connect(transport)
    seen.watch(transport)
    return clientOf(ending, client, seen, (request) => client.request(request, ResultSchema))
  },
  'SDK v2, old era': (ending, server, capabilities) => connectNew(ending, server, capabilities, 'legacy'),
  'SDK v2, new era': (ending, server, capabilities) => connectNew(ending, server, capabilities, 'auto'),
}

async function connectNew(
  ending: Ending,
  server: Server,
  capabilities: object = CAPABILITIES,
  mode: 'legacy' | 'auto' = 'auto',
): Promise<McpClient> {
  const client = new Client(me, { capabilities, versionNegotiation: { mode } })
  const seen = recorder()
  for (const [capability, method] of QUESTIONS)
    if (capability in capabilities)
      client.setRequestHandler(method, (request) => seen.answer(request.method, request.params) as never)
  const transport: Transport =
    'url' in server
      ? new StreamableHTTPClientTransport(new URL(server.url), bearer(server))
      : new StdioClientTransport(spawning(server))
  await client.connect(transport)
  seen.watch(transport)
  return clientOf(ending, client, seen, (request) => client.request(request, anything))
}

type Seen = ReturnType<typeof recorder>

/** Remembers what came, before the SDK has a say in it. */
function recorder() {
  const notifications: Said[] = []
  const questions: Said[] = []
  const listeners = new Set<() => void>()
  return {
    notifications,
    questions,
    listeners,
    async answer(method: string, params: object = {}): Promise<Result> {
      questions.push({ method, params: { ...params } })
      const isUrl = 'mode' in params && params.mode === 'url'
      const answer = isUrl ? { action: 'accept' } : ANSWERS[method]
      if (answer === undefined) throw new Error(`Nobody here knows ${method}.`)
      return answer
    },
    watch(transport: { onmessage?: ((message: never, extra?: never) => void) | undefined }) {
      const pass = transport.onmessage?.bind(transport)
      const onmessage = (message: { method?: string; params?: object; id?: unknown }, extra: unknown) => {
        const { method, params = {}, id } = message
        if (method !== undefined && id === undefined) notifications.push({ method, params: { ...params } })
        pass?.(message as never, extra as never)
        for (const listener of listeners) listener()
      }
      Object.assign(transport, { onmessage })
    },
  }
}

function clientOf(
  ending: Ending,
  client: Client | OldClient,
  seen: Seen,
  send: (request: { method: string; params: Record<string, unknown> }) => Promise<unknown>,
): McpClient {
  const close = () => client.close()
  ending.after(close)
  const request: McpClient['request'] = async (method, params = {}) =>
    (await send({ method, params: { ...params } })) as Result
  return {
    ...seen,
    request,
    call: (name, input = {}, meta) =>
      request('tools/call', { name, arguments: input, ...(meta !== undefined && { _meta: meta }) }),
    async list(kind) {
      const method = kind === 'resourceTemplates' ? 'resources/templates/list' : `${kind}/list`
      const all: { name: string; uri?: string }[] = []
      for (let cursor: unknown; ;) {
        const page = await request(method, cursor === undefined ? {} : { cursor })
        all.push(...(page[kind] as typeof all))
        cursor = page['nextCursor']
        if (cursor === undefined) return all
      }
    },
    notified(method, passes = () => true) {
      const { promise, resolve } = Promise.withResolvers<Said>()
      const look = () => {
        const found = seen.notifications.find((said) => said.method === method && passes(said.params))
        if (found !== undefined) resolve(found)
      }
      seen.listeners.add(look)
      look()
      return within(promise, `${method} from the server`).finally(() => seen.listeners.delete(look))
    },
    serverCapabilities: () => client.getServerCapabilities(),
    close,
  }
}

const bearer = ({ token }: { readonly token: string }) => ({
  requestInit: { headers: { authorization: `Bearer ${token}` } },
})

const spawning = ({ command, args, env }: Command) => ({
  command,
  args,
  env: { PATH: process.env['PATH'] ?? '', ...env },
  stderr: 'ignore' as const,
})

/** A schema that takes any result as it is: what the server wrote is what the tests look at. */
const anything: StandardSchemaV1 = {
  '~standard': { version: 1, vendor: 'e2e', validate: (value) => ({ value }) },
}
