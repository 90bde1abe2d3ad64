import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import process from 'node:process'
import { connect, type MqttClient } from 'mqtt'
import { WebSocket } from 'ws'
import { cleanUps } from '../../../src/testing/mqtt-toolkit.ts'
import { ALICIA, type TestHub } from '../../support/hub.ts'
import { nextMessage } from '../../support/mqtt.ts'
import { startProgram, within } from '../../support/program.ts'
import { ask, bearer, codeOf, open, outcomeOf, textOf } from './ask.ts'

/** What somebody shows on the way in. */
export interface Shown {
  /** Absent: nothing. */
  readonly token?: string
  /** Whatever else of HTTP they send. */
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** Behind the path. */
  readonly query?: string
  /** Where they come from, as the proxy in front says it. */
  readonly from: string
  /** What they try to raise an alert about: what happened, if something did. */
  readonly mark: string
}

/** Comes in and tries to raise an alert; resolves to what came of it: `200 ok`, `401 unauthenticated`. */
export type Way = (hub: TestHub, shown: Shown) => Promise<string>

export const MODERN = '2026-07-28'
export const LEGACY = '2025-11-25'
const wanted = ({ mark }: Shown) => ({ about: mark, message: 'Somebody was here.' })
const headersOf = ({ token, headers, from }: Shown) => ({
  'x-forwarded-for': from,
  ...(token !== undefined && bearer(token)),
  ...headers,
})
const behind = (path: string, { query = '' }: Shown) => `${path}${query}`

/** A call of a tool as 2026-07-28 sends it. */
export const modernCall = (name: string, input: object, meta: object = {}) => ({
  headers: {
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': MODERN,
    'mcp-method': 'tools/call',
    'mcp-name': name,
  },
  body: {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name,
      arguments: input,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': MODERN,
        'io.modelcontextprotocol/clientCapabilities': {},
        ...meta,
      },
    },
  },
})

export const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: 'attacker', version: '1' } },
}
export const legacyCall = (name: string, input: object, id = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: input },
})
const ACCEPT = { accept: 'application/json, text/event-stream' }

const rest =
  (more: Readonly<Record<string, string>> = {}): Way =>
  async (hub, shown) =>
    outcomeOf(
      await ask(hub, behind('/api/health/raise_alert', shown), {
        headers: { ...headersOf(shown), ...more },
        body: wanted(shown),
      }),
    )

const modern =
  (path: string): Way =>
  async (hub, shown) => {
    const { headers, body } = modernCall('raise_alert', wanted(shown))
    return outcomeOf(await ask(hub, behind(path, shown), { headers: { ...headersOf(shown), ...headers }, body }))
  }

const withSession: Way = async (hub, shown) => {
  const headers = { ...headersOf(shown), ...ACCEPT }
  const begun = await ask(hub, behind('/mcp', shown), { headers, body: INITIALIZE })
  const session = begun.headers['mcp-session-id']
  if (typeof session !== 'string') return outcomeOf(begun)
  const inSession = { ...headers, 'mcp-session-id': session }
  return outcomeOf(
    await ask(hub, behind('/mcp', shown), { headers: inSession, body: legacyCall('raise_alert', wanted(shown)) }),
  )
}

/** GET of what a session has to say. */
const announcements: Way = async (hub, shown) => {
  const headers = { ...headersOf(shown), accept: 'text/event-stream' }
  const begun = await ask(hub, behind('/mcp', shown), { headers: { ...headers, ...ACCEPT }, body: INITIALIZE })
  const session = begun.headers['mcp-session-id']
  const answer = await open(hub, behind('/mcp', shown), {
    method: 'GET',
    headers: { ...headers, ...(session !== undefined && { 'mcp-session-id': session }) },
  })
  const status = answer.statusCode ?? 0
  try {
    // A stream that was opened has no end.
    return status === 200 ? '200 ok' : outcomeOf({ status, headers: answer.headers, text: await textOf(answer) })
  } finally {
    answer.destroy()
  }
}

const oldSse: Way = async (hub, shown) => {
  const stream = await open(hub, behind('/sse', shown), { method: 'GET', headers: headersOf(shown) })
  let text = ''
  // What comes while nobody listens is lost.
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const said = (pattern: RegExp) =>
    within(
      (async () => {
        for (;;) {
          const found = pattern.exec(text)
          if (found) return found
          await once(stream, 'data')
        }
      })(),
      `${pattern} on the stream`,
    )
  try {
    if (stream.statusCode !== 200) {
      await said(/\}\s*$/)
      return `${stream.statusCode} ${codeOf(text)}`
    }
    const [, target = ''] = await said(/^data: (\/messages\S+)/m)
    await ask(hub, target, { headers: headersOf(shown), body: INITIALIZE })
    await said(/"id":0/)
    await ask(hub, target, { headers: headersOf(shown), body: legacyCall('raise_alert', wanted(shown)) })
    const [answer = ''] = await said(/\{[^\n]*"id":1\b[^\n]*\}/)
    return `200 ${codeOf(answer)}`
  } finally {
    stream.destroy()
  }
}

const webSocket: Way = async ({ urls }, shown) => {
  const url = behind(urls.mcp.replace(/^http/, 'ws'), shown)
  const socket = new WebSocket(url, 'mcp', { headers: headersOf(shown) })
  socket.on('error', () => undefined)
  const refused = once(socket, 'unexpected-response').then(async ([, response]: IncomingMessage[]) =>
    response === undefined ? '' : `${response.statusCode} ${codeOf(await textOf(response))}`,
  )
  const called = once(socket, 'open').then(async () => {
    const answered = (id: number) => {
      const { promise, resolve } = Promise.withResolvers<string>()
      socket.on('message', (data: Buffer) => {
        if (data.toString().includes(`"id":${id}`)) resolve(data.toString())
      })
      return within(promise, 'an answer on the socket')
    }
    const greeting = answered(0)
    socket.send(JSON.stringify(INITIALIZE))
    await greeting
    const answer = answered(1)
    socket.send(JSON.stringify(legacyCall('raise_alert', wanted(shown))))
    return `200 ${codeOf(await answer)}`
  })
  try {
    return await Promise.race([refused, called])
  } finally {
    void Promise.allSettled([refused, called])
    socket.terminate()
  }
}

/** Where the requests of a token stand: below its id, or that of its login. */
async function levelOf(hub: TestHub, token: string): Promise<string> {
  const { text } = await ask(hub, '/auth/validate', { method: 'GET', headers: bearer(token) })
  return String((JSON.parse(text) as { credential?: string }).credential)
}

const mqtt =
  (urlOf: (hub: TestHub) => string): Way =>
  async (hub, shown) => {
    const ending = cleanUps()
    const { token, from } = shown
    const client = connect(urlOf(hub), {
      protocolVersion: 5,
      reconnectPeriod: 0,
      username: 'anna',
      ...(token !== undefined && { password: token }),
      wsOptions: { headers: { 'x-forwarded-for': from } },
    })
    try {
      const refusal = await entered(client)
      if (refusal !== undefined) return refusal
      const level = await levelOf(hub, token ?? '')
      // Two tokens of one login have one level: an answer that was another's would come too early.
      const responseTopic = `alicia/v1/as/${level}/rep/${randomUUID()}`
      const answer = await nextMessage(client, responseTopic)
      await client.publishAsync(`alicia/v1/as/${level}/req/health/raise_alert`, JSON.stringify(wanted(shown)), {
        qos: 1,
        properties: { responseTopic },
      })
      const { properties } = await answer()
      return `200 ${String(properties?.userProperties?.['status'])}`
    } finally {
      await client.endAsync(true)
      await ending.run()
    }
  }

/** Undefined: it was let in. */
export async function entered(client: MqttClient): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  client.on('connect', () => resolve(undefined))
  client.on('error', (error) => resolve(`CONNACK ${'code' in error ? String(error.code) : error.message}`))
  client.on('close', () => resolve('closed'))
  return await within(promise, 'CONNACK')
}

const stdio: Way = async (hub, shown) => {
  const token = shown.token === undefined ? [] : ['--token', shown.token]
  const program = startProgram(process.execPath, [ALICIA, 'stdio', '--url', hub.urls.http, ...token], {
    env: hub.home.env,
  })
  const lines = [INITIALIZE, legacyCall('raise_alert', wanted(shown))]
  program.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  program.closeInput()
  const { code, stdout } = await within(program.ended, 'alicia stdio')
  const answer = stdout.split('\n').find((line) => line.includes('"id":1'))
  return answer === undefined ? `exit ${code}` : `200 ${codeOf(answer)}`
}

export interface WayIn {
  readonly attempt: Way
  /** What it answers to whatever is not good. */
  readonly refusal: string
  /** Rows that it refuses for another reason, sooner. */
  readonly sooner?: Readonly<Record<string, string>>
  /** Attempts that there may be of it: they cost time, or the hub has had enough of them then. Absent: any number. */
  readonly most?: number
}

/** Of two headers a proxy in front may have looked at the other one. */
const TWICE = { 'two headers, the first one wrong': '400 invalid_request' }
/** What stands in the query is input. */
const REST = { ...TWICE, 'access_token in the query': '400 invalid_input', 'token in the query': '400 invalid_input' }
const UNKNOWN = '401 unauthenticated'

/** Every way in. */
export const WAYS_IN: Readonly<Record<string, WayIn>> = {
  REST: { attempt: rest(), refusal: UNKNOWN, sooner: REST },
  'REST, as an event stream': { attempt: rest({ accept: 'text/event-stream' }), refusal: UNKNOWN, sooner: REST },
  'MCP 2026-07-28 over HTTP': { attempt: modern('/mcp'), refusal: UNKNOWN, sooner: TWICE },
  'MCP 2026-07-28 of a profile': { attempt: modern('/mcp/work'), refusal: UNKNOWN, sooner: TWICE },
  'MCP 2026-07-28 at its other path': { attempt: modern('/api/v1/mcp'), refusal: UNKNOWN, sooner: TWICE },
  'MCP with sessions over HTTP': { attempt: withSession, refusal: UNKNOWN, sooner: TWICE },
  'MCP, the stream of a session': { attempt: announcements, refusal: UNKNOWN, sooner: TWICE },
  'MCP over HTTP+SSE': { attempt: oldSse, refusal: UNKNOWN, sooner: TWICE },
  'MCP over WebSocket': { attempt: webSocket, refusal: UNKNOWN, sooner: TWICE },
  'MCP over stdio, attached': { attempt: stdio, refusal: 'exit 3', most: 4 },
  'MQTT over WebSocket': { attempt: mqtt(({ urls }) => String(urls.mqttWebSocket)), refusal: 'CONNACK 134' },
  MQTT: { attempt: mqtt(({ urls }) => urls.mqtt), refusal: 'CONNACK 134', most: 10 },
}
