import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { honestAnswer, type Asked, type Era } from './honest.ts'

/** What came, and means to answer it wrongly. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly asked: Asked
  /** The honest answer as JSON; empty for what is no request. */
  readonly answer: string
  /** Requests (JSON-RPC) so far, this one included. */
  readonly count: number
}

const JSON_TYPE = { 'content-type': 'application/json' }
const SSE_TYPE = { 'content-type': 'text/event-stream' }

/** Every way to be broken over HTTP. They count for requests: notifications are taken with 202. */
const BEHAVIOURS = {
  'answers-json': ({ response, answer }) => response.writeHead(200, JSON_TYPE).end(answer),
  'answers-sse': ({ response, answer }) => response.writeHead(200, SSE_TYPE).end(event(answer)),
  'status-401': ({ response }) => response.writeHead(401, { 'www-authenticate': 'Bearer' }).end(),
  'status-403': ({ response }) => response.writeHead(403).end('Forbidden'),
  'status-404': ({ response }) => response.writeHead(404).end('Not here'),
  'status-429': ({ response }) => response.writeHead(429, { 'retry-after': '7' }).end('Slow down'),
  'status-500': ({ response }) => response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>Oops</h1>'),
  'status-503': ({ response }) => response.writeHead(503, { 'retry-after': '1' }).end(),
  /** The hub must not follow: the next address has not been agreed to. */
  redirects: ({ response }) => response.writeHead(307, { location: 'http://127.0.0.1:9/elsewhere' }).end(),
  /** The body ends in the middle of what its length promised. */
  'cuts-json': ({ response, answer }) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': answer.length })
    response.write(answer.slice(0, 20), () => response.destroy())
  },
  /** The stream ends in the middle of an event. */
  'cuts-sse': ({ response, answer }) => {
    response.writeHead(200, SSE_TYPE)
    response.write(event(answer).slice(0, 40), () => response.destroy())
  },
  /** The stream ends in good order, without the answer. */
  'ends-sse-early': ({ response }) => response.writeHead(200, SSE_TYPE).end(': nothing to say\n\n'),
  /** The connection is gone before a word. */
  'hangs-up': ({ request }) => request.socket.destroy(),
  /** Takes the request and never answers. */
  hangs: () => undefined,
  /** Answers with headers, and then never a body. */
  'hangs-after-headers': ({ response }) => response.writeHead(200, JSON_TYPE).flushHeaders(),
  'wrong-content-type': ({ response, answer }) => response.writeHead(200, { 'content-type': 'text/html' }).end(answer),
  'no-content-type': ({ response, answer }) => response.writeHead(200).end(answer),
  'no-json': ({ response }) => response.writeHead(200, JSON_TYPE).end('{"jsonrpc":"2.0",'),
  'empty-body': ({ response }) => response.writeHead(200, JSON_TYPE).end(),
  'accepts-only': ({ response }) => response.writeHead(202).end(),
  /** 64 megabytes in answer to everything. */
  'huge-body': ({ response }) => response.writeHead(200, JSON_TYPE).end(`"${'x'.repeat(64 * 1024 * 1024)}"`),
  /** The answer is to somebody else's question. */
  'wrong-id': ({ response, answer }) =>
    response.writeHead(200, JSON_TYPE).end(answer.replace(/"id":("[^"]*"|\d+)/, '"id":"somebody"')),
  'answers-twice': ({ response, answer }) => response.writeHead(200, SSE_TYPE).end(event(answer) + event(answer)),
  /** Comments, unknown fields, CR LF, and data over several lines: all of it is in the SSE standard. */
  'odd-sse': ({ response, answer }) => {
    const [start, rest] = [answer.slice(0, 1), answer.slice(1)]
    response.writeHead(200, SSE_TYPE)
    response.end(
      `\uFEFF: hello\r\n\r\nid: 1\r\nretry: 10\r\ndata:\r\n\r\nx-y: z\r\ndata: ${start}\r\ndata:${rest}\r\n\r\n`,
    )
  },
  /** A session that is forgotten after each third request. */
  'loses-session': ({ request, response, asked, answer, count }) => {
    const session = `s${Math.floor(count / 4)}`
    if (asked.method !== 'initialize' && request.headers['mcp-session-id'] !== session)
      return response.writeHead(404, JSON_TYPE).end('{"jsonrpc":"2.0","error":{"code":-32001,"message":"No session"}}')
    return response.writeHead(200, { ...JSON_TYPE, 'mcp-session-id': session }).end(answer)
  },
} as const satisfies Record<string, (exchange: Exchange) => unknown>

export type HttpBehaviour = keyof typeof BEHAVIOURS

export interface HttpUpstream {
  readonly url: string
  /** Everything that came, notifications included: method of HTTP, headers, message. */
  readonly received: readonly { method: string; headers: IncomingMessage['headers']; asked: Asked | undefined }[]
  /** From now on; to heal it, or break it in the middle. */
  behave(behaviour: HttpBehaviour): void
}

/** An MCP server over Streamable HTTP that is broken in this way, on a free port of loopback; ends with the test. */
export async function httpUpstream(
  ending: { after(task: () => unknown): void },
  behaviour: HttpBehaviour,
  era: Era = 'legacy',
): Promise<HttpUpstream> {
  let current = behaviour
  let count = 0
  const received: HttpUpstream['received'][number][] = []
  const server = createServer(async (request, response) => {
    const asked = await read(request)
    received.push({ method: request.method ?? '', headers: request.headers, asked })
    if (request.method !== 'POST' || asked === undefined) return void response.writeHead(405, { allow: 'POST' }).end()
    const answered = honestAnswer(asked, era)
    if (answered === undefined) return void response.writeHead(202).end()
    count++
    const answer = JSON.stringify({ jsonrpc: '2.0', id: asked.id, ...answered })
    BEHAVIOURS[current]({ request, response, asked, answer, count })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ending.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    received,
    behave: (next) => void (current = next),
  }
}

async function read(request: IncomingMessage): Promise<Asked | undefined> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk)
  return body === '' ? undefined : (JSON.parse(body) as Asked)
}

const event = (data: string): string => `event: message\ndata: ${data}\n\n`
