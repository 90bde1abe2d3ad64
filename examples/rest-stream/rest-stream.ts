/**
 * Collects messages over REST and shows them while they come: the same operation as the MCP tool, with nothing but
 * `fetch`. `Accept: text/event-stream` asks for progress; without it the answer is the result alone.
 *
 *     npx node examples/rest-stream/rest-stream.ts
 */
import assert from 'node:assert/strict'
import { startDemoHub } from '../support/demo-hub.ts'

interface Collected {
  messages: { topic: string; payload: unknown; retained: boolean }[]
  ended_by: string
  received: number
}

await using hub = await startDemoHub()

/** `POST /api/<service>/<operation>`, arguments as JSON. */
async function post(operation: string, input: object, accept = 'application/json'): Promise<Response> {
  const response = await fetch(`${hub.urls.http}/api/${operation}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${hub.token}`, 'content-type': 'application/json', accept },
    body: JSON.stringify(input),
  })
  // A refusal is a problem document (RFC 9457): what failed in `detail`, what to do in `hint`.
  assert.ok(response.ok, `${response.status}: ${await response.clone().text()}`)
  return response
}

/** The events of a stream as they come (WHATWG HTML, 9.2). The hub writes one `data` line each; comments keep it open. */
async function* events({ body }: Response): AsyncGenerator<{ name: string; data: unknown }> {
  let text = ''
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const parts = (text + chunk).split('\n\n')
    text = parts.pop() ?? ''
    for (const part of parts) {
      const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(part) ?? []
      if (name !== undefined && data !== undefined) yield { name, data: JSON.parse(data) }
    }
  }
}

const { session_id } = (await (await post('mqtt/establish_connection', {})).json()) as { session_id: string }
const input = { session_id, topic: 'zigbee2mqtt/#', duration: 3, mode: 'first', max_messages: 500 }
const stream = await post('mqtt/subscribe_and_collect', input, 'text/event-stream')
assert.equal(stream.headers.get('content-type'), 'text/event-stream')

const live: string[] = []
let result: Collected | undefined
for await (const { name, data } of events(stream)) {
  if (name === 'result') result = data as Collected
  if (name === 'fault') assert.fail(JSON.stringify(data))
  if (name !== 'progress') continue
  const news = data as { message: string; data: Pick<Collected, 'messages'> }
  live.push(...news.data.messages.map(({ topic }) => topic))
  console.log(`${news.message}: ${live.slice(-3).join(', ')}`)
}

console.log(`Ended by ${result?.ended_by} with ${result?.received} messages.`)
assert.equal(result?.ended_by, 'duration')
assert.ok(live.includes('zigbee2mqtt/bridge/devices'))
assert.deepEqual(
  live,
  result.messages.map(({ topic }) => topic),
)
