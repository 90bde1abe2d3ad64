/**
 * The client that the official conformance suite starts for each of its client scenarios, made of the gateway's own
 * connector: `node conformance-client.ts <url>`, with the scenario in the environment.
 */
import process from 'node:process'
import { connect } from '../../src/gateway/connection/connect.ts'
import type { ClientFace, Connection } from '../../src/gateway/connection/connection.ts'
import { requestHeaders } from '../../src/gateway/upstream/request-headers.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { META, MODERN_REVISION } from '../../src/kernel/mcp/protocol.ts'
import { paramHeadersOf } from '../../src/kernel/mcp/param-headers.ts'
import { RelayedResult } from '../../src/kernel/mcp/relayed.ts'

type Value = Record<string, unknown>
type Listed = Value & { name: string; uri: string; inputSchema?: Value }

const capabilities = { roots: { listChanged: true }, sampling: {}, elicitation: {} }
const face: ClientFace = { clientInfo: { name: 'alicia', version: '1.0.0' }, capabilities }

/** Connects as an upstream of the hub is connected to; what a person would be asked is answered by `accept`. */
export async function connectTo(url: string, fetch?: typeof globalThis.fetch): Promise<Connection> {
  return await connect(
    { kind: 'http', url, headers: {}, mode: 'auto' },
    {
      name: 'conformance',
      face,
      clock: systemClock,
      log: silentLog,
      signal: AbortSignal.timeout(20_000),
      eras: { get: () => undefined, set: () => {} },
      spawn: () => Promise.reject(new Error('The suite speaks HTTP.')),
      ...(fetch && { fetch }),
      handlers: {
        onNotification: () => {},
        onRequest: async ({ params }) => new RelayedResult(JSON.stringify(accept(JSON.parse(params) as Value))),
        onClose: () => {},
      },
    },
  )
}

/** Accepts a form with the defaults that it suggests (SEP-1034). */
function accept({ requestedSchema }: Value): Value {
  const { properties = {} } = (requestedSchema ?? {}) as {
    properties?: Record<string, { default?: unknown; type?: unknown }>
  }
  const content = Object.entries(properties).flatMap(([name, field]) => {
    if ('default' in field) return [[name, field.default]]
    return field.type === 'boolean' ? [[name, true]] : []
  })
  return { action: 'accept', content: Object.fromEntries(content) as Value }
}

export async function ask(connection: Connection, method: string, params: Value = {}, tool?: Listed): Promise<Value> {
  const isModern = connection.revision === MODERN_REVISION
  const meta = {
    [META.revision]: MODERN_REVISION,
    [META.clientInfo]: face.clientInfo,
    [META.clientCapabilities]: face.capabilities,
  }
  const whole = { ...params, ...(isModern && { _meta: meta }) }
  const { value } = await connection.request({
    method,
    params: () => JSON.stringify(whole),
    signal: AbortSignal.timeout(20_000),
    headers: requestHeaders(method, params, tool && { name: tool.name, value: tool }),
  })
  if (value['resultType'] !== 'input_required') return value
  const { inputRequests = {}, requestState } = value as {
    inputRequests?: Record<string, { params: Value }>
    requestState?: string
  }
  const inputResponses = Object.fromEntries(
    Object.entries(inputRequests).map(([key, question]) => [key, accept(question.params)]),
  )
  return await ask(
    connection,
    method,
    { ...params, inputResponses, ...(requestState !== undefined && { requestState }) },
    tool,
  )
}

const list = async (connection: Connection, kind: 'tools' | 'resources' | 'prompts'): Promise<Listed[]> =>
  (await ask(connection, `${kind}/list`))[kind] as Listed[]

/** Those that a client over HTTP may use (2026-07-28, "Custom Headers from Tool Parameters"). */
const usable = (tools: Listed[]): Listed[] =>
  tools.filter(({ inputSchema }) => paramHeadersOf(inputSchema) !== undefined)

type Play = (connection: Connection) => Promise<unknown>

/** Calls one tool of the list, if it is there. */
const calling =
  (name: string, args: Value = {}): Play =>
  async (connection) => {
    const tool = (await list(connection, 'tools')).find((each) => each.name === name)
    if (!tool) throw new Error(`No tool ${name}.`)
    await ask(connection, 'tools/call', { name, arguments: args }, tool)
  }

interface ToolCall {
  readonly name: string
  readonly arguments: Value
}

/** What a scenario wants called, by name; the calls are part of what the suite passes on. */
async function callAsTold(connection: Connection): Promise<void> {
  const { toolCalls = [] } = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as { toolCalls?: ToolCall[] }
  const tools = usable(await list(connection, 'tools'))
  for (const call of toolCalls) {
    const tool = tools.find(({ name }) => name === call.name)
    if (tool) await ask(connection, 'tools/call', { ...call }, tool)
  }
}

async function oneOfEach(connection: Connection): Promise<void> {
  const [tool] = await list(connection, 'tools')
  if (tool) await ask(connection, 'tools/call', { name: tool.name, arguments: {} }, tool)
  const [resource] = await list(connection, 'resources')
  if (resource) await ask(connection, 'resources/read', { uri: resource.uri })
  const [prompt] = await list(connection, 'prompts')
  if (prompt) await ask(connection, 'prompts/get', { name: prompt.name, arguments: {} })
}

async function echoSchema(connection: Connection): Promise<void> {
  const tools = await list(connection, 'tools')
  const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema
  await ask(connection, 'tools/call', { name: 'json_schema_echo', arguments: { schema } })
}

async function callEveryTool(connection: Connection): Promise<void> {
  for (const tool of usable(await list(connection, 'tools')))
    await ask(connection, 'tools/call', { name: tool.name, arguments: { region: 'us-west1' } }, tool)
}

async function callInRounds(connection: Connection): Promise<void> {
  for (const tool of await list(connection, 'tools'))
    await ask(connection, 'tools/call', { name: tool.name, arguments: {} }, tool)
}

/** What a scenario needs done, once there is a connection. */
const SCENARIOS: Readonly<Record<string, Play>> = {
  initialize: (connection) => list(connection, 'tools'),
  tools_call: calling('add_numbers', { a: 5, b: 3 }),
  'elicitation-sep1034-client-defaults': calling('test_client_elicitation_defaults'),
  'sse-retry': calling('test_reconnection'),
  'request-metadata': () => Promise.resolve(),
  'sep-2322-client-request-state': callInRounds,
  'http-standard-headers': oneOfEach,
  'http-custom-headers': callAsTold,
  'http-invalid-tool-headers': callEveryTool,
  'json-schema-ref-no-deref': (connection) => list(connection, 'tools'),
  'json-schema-2020-12-preservation': echoSchema,
}

async function main(): Promise<void> {
  const name = process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''
  const play = SCENARIOS[name]
  if (!play) throw new Error(`No scenario ${name}.`)
  const connection = await connectTo(process.argv[2] ?? '')
  try {
    await play(connection)
  } finally {
    await connection.close()
  }
}

if (import.meta.main) await main()
