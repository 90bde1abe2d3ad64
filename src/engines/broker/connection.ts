import { once, type EventEmitter } from 'node:events'
import { connect, type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt'
import { Fault } from '../../kernel/fault.ts'

/** A connection that the broker accepted. */
export interface Connection {
  readonly client: MqttClient
  readonly version: 4 | 5
  readonly connack: IConnackPacket
}

/** Refusals that mean "not this version": 3.1.1's return code 1 and MQTT 5's reason code 0x84. */
const WRONG_VERSION = new Set([1, 0x84])

/**
 * Connects once, with MQTT 5 and, where the broker does not know that, with 3.1.1. The client never reconnects by
 * itself: what it had in flight fails when the connection breaks. Throws Fault `upstream_failed`, `unavailable`.
 */
export async function openConnection(url: string, options: IClientOptions, signal: AbortSignal): Promise<Connection> {
  try {
    return await openAs(5, url, options, signal)
  } catch (error) {
    if (!isVersionProblem(error)) throw explain(error, url)
  }
  try {
    return await openAs(4, url, options, signal)
  } catch (error) {
    throw explain(error, url)
  }
}

async function openAs(version: 4 | 5, url: string, options: IClientOptions, signal: AbortSignal): Promise<Connection> {
  signal.throwIfAborted()
  const { properties, will, ...others } = options
  const { properties: willProperties, ...plainWill } = will ?? {}
  const ownWill = will && {
    will: { ...(plainWill as typeof will), ...(version === 5 && willProperties && { properties: willProperties }) },
  }
  const client = connect(url, {
    ...others,
    ...ownWill,
    ...(version === 5 && properties && { properties }),
    protocolVersion: version,
    reconnectPeriod: 0,
    // It would keep a buffer for each of 65,536 numbers, for this client and the broker beside it: 7 MB to save a microsecond.
    writeCache: false,
    resubscribe: false,
    clean: true,
  })
  // `events.once` stops listening for errors when it is done, and an error without a listener ends the process.
  client.on('error', () => undefined)
  const gone = new AbortController()
  const closed = () => gone.abort(new ClosedEarly())
  client.once('close', closed)
  try {
    const either = AbortSignal.any([signal, gone.signal])
    const [connack] = (await once(client as unknown as EventEmitter, 'connect', { signal: either })) as [IConnackPacket]
    noDelay(client)
    return { client, version, connack }
  } catch (error) {
    client.end(true)
    throw gone.signal.aborted ? gone.signal.reason : error
  } finally {
    client.off('close', closed)
  }
}

/** Without it, Nagle's algorithm and delayed acknowledgements cost 40 ms a call. WebSocket sockets have it from `ws`. */
function noDelay({ stream }: MqttClient): void {
  if ('setNoDelay' in stream && typeof stream.setNoDelay === 'function') stream.setNoDelay(true)
}

/** The broker hung up without a word, as those do that do not know the version. */
class ClosedEarly extends Error {
  override readonly message = 'the broker closed the connection during the handshake'
}

const codeOf = (error: unknown) => (error as { code?: unknown }).code

const isVersionProblem = (error: unknown) => error instanceof ClosedEarly || WRONG_VERSION.has(codeOf(error) as number)

/** CONNACK codes for wrong or missing credentials: 3.1.1's 4 and 5, MQTT 5's 0x86 and 0x87. */
const BAD_LOGIN = new Set<unknown>([4, 5, 0x86, 0x87])

function explain(error: unknown, url: string): Fault {
  if (error instanceof Fault) return error
  const cause = error instanceof Error && error.name === 'AbortError' ? (error.cause ?? error) : error
  if (cause instanceof Fault) return cause
  if (BAD_LOGIN.has(codeOf(error)))
    return new Fault('upstream_failed', `The broker at ${url} refused the user name or password.`, {
      hint: 'Check the credentials it was given.',
      cause: error,
    })
  return new Fault('unavailable', `The broker at ${url} cannot be reached: ${reasonOf(error)}.`, { cause: error })
}

/** A connection tried over several addresses fails with several errors and an empty message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
