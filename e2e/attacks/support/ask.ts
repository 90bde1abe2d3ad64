import { once } from 'node:events'
import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import type { TestHub } from '../../support/hub.ts'

/** What somebody sends, down to the bytes of its target: `fetch` would put right what is wrong with it. */
export interface Sent {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: object
}

export interface Answered {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** One request on a connection of its own. */
export async function ask({ urls }: Pick<TestHub, 'urls'>, target: string, sent: Sent = {}): Promise<Answered> {
  const answer = await open({ urls }, target, sent)
  return { status: answer.statusCode ?? 0, headers: answer.headers, text: await textOf(answer) }
}

export async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk)
  return text
}

/** The same, with an answer that may go on. */
export async function open({ urls }: Pick<TestHub, 'urls'>, target: string, sent: Sent): Promise<IncomingMessage> {
  const { hostname: host, port } = new URL(urls.http)
  const { method = 'POST', headers = {}, body } = sent
  const json = body === undefined ? undefined : JSON.stringify(body)
  const asked = request({
    host,
    port,
    method,
    path: target,
    agent: false,
    headers: {
      ...(json !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }),
      ...headers,
    },
  })
  asked.end(json)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return answer
}

/** The code of a fault, wherever an answer has it: problem details, an error of JSON-RPC, a tool's result. */
export function codeOf(text: string): string {
  const data = text.startsWith('{') ? text : (/^data: (\{.*)$/m.exec(text)?.[1] ?? '{}')
  const { code, error, result } = JSON.parse(data) as {
    code?: string
    error?: { code: number; data?: { code?: string } }
    result?: { _meta?: { fault?: { code: string } } }
  }
  return code ?? error?.data?.code ?? result?._meta?.fault?.code ?? String(error?.code ?? 'ok')
}

/** `200 ok`, `401 unauthenticated`. */
export const outcomeOf = ({ status, text }: Answered): string => `${status} ${codeOf(text)}`
