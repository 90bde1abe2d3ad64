import { Fault } from '../../kernel/fault.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { Channel, tooLarge } from './channel.ts'
import { discard, readChunks, readText } from './http-body.ts'
import { eventStreamOf, type HttpEndpoint } from './http-endpoint.ts'
import { brokenOff, refusalOf } from './http-fault.ts'
import { EventReader } from './server-sent-events.ts'
import type { WireOptions } from './wire.ts'

/** Characters of the body of a refusal that are read. */
const LARGEST_REFUSAL_BYTES = 64 * 1024

/**
 * HTTP+SSE (2024-11-05): one stream brings all messages, each message to the server is a POST to the address that the
 * stream names first. Resolves when that address is known. Throws Fault, LoginRequired.
 */
export async function overOldSse(endpoint: HttpEndpoint, options: WireOptions, signal: AbortSignal): Promise<Channel> {
  const { name, clock, maxMessageBytes } = options
  const over = new AbortController()
  const giveUp = () => over.abort(signal.reason)
  signal.addEventListener('abort', giveUp)
  const { url } = endpoint
  try {
    const answer = await endpoint.send({ method: 'GET', signal: over.signal, headers: { accept: 'text/event-stream' } })
    const stream = answer.status === 200 ? eventStreamOf(answer) : undefined
    if (!stream) {
      const body = await readText(answer.body, name, LARGEST_REFUSAL_BYTES)
      if (answer.status >= 300) throw refusalOf(name, url, answer, { body, clock })
      throw new Fault('upstream_failed', `${name} is no MCP server: its \`url\` opens no stream.`)
    }
    const address = Promise.withResolvers<URL>()
    const channel = new Channel(options, {
      write: (message) => post(message),
      async close() {
        over.abort(new Fault('unavailable', `${name}: the connection is closed.`))
        endpoint.close()
      },
    })
    const post = async (body: JsonText): Promise<void> => {
      const headers = { 'content-type': 'application/json' }
      const answer = await endpoint.send({
        method: 'POST',
        url: await address.promise,
        body,
        headers,
        signal: over.signal,
      })
      if (answer.status < 300) return discard(answer.body)
      const text = await readText(answer.body, name, LARGEST_REFUSAL_BYTES)
      throw refusalOf(name, url, answer, { body: text, clock })
    }
    const reader = new EventReader(maxMessageBytes, {
      onEvent({ type, data }) {
        if (type === 'message') channel.receive(data)
        else if (type === 'endpoint') address.resolve(endpoint.resolve(data))
      },
    })
    void readChunks(stream, (chunk) => reader.push(chunk)).then(
      () => lost('it ended its stream'),
      (error: unknown) => lost('its stream broke off', error),
    )
    const lost = (reason: string, error?: unknown) => {
      address.reject(faultOf(error))
      channel.lost(reason)
    }
    const faultOf = (error: unknown) =>
      error instanceof RangeError ? tooLarge(name, undefined, maxMessageBytes) : brokenOff(name, error)
    await address.promise
    return channel
  } catch (error) {
    over.abort(error)
    endpoint.close()
    throw error
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
