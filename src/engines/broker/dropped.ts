import type { BrokerLogin } from '../../kernel/ports.ts'
import { openConnection } from './connection.ts'
import type { TlsMaterial } from './tls.ts'

/** Mosquitto's count, retained, of messages it dropped for slow or absent subscribers since it started. */
const DROPPED = '$SYS/broker/publish/messages/dropped'

const ANSWER_TIMEOUT_MS = 1000

/** Asks a broker how many messages it dropped; undefined when it does not say or cannot be reached. */
export async function droppedMessages(
  url: string,
  login: BrokerLogin | undefined,
  tls?: TlsMaterial,
): Promise<number | undefined> {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
  const options = { ...login, ...tls, connectTimeout: ANSWER_TIMEOUT_MS }
  try {
    const { client } = await openConnection(url, options, signal)
    try {
      return await new Promise<number | undefined>((resolve, reject) => {
        client.on('message', (_, payload) => resolve(numberIn(payload)))
        client.subscribe(DROPPED, (error) => error && reject(error))
        signal.addEventListener('abort', () => resolve(undefined), { once: true })
      })
    } finally {
      client.end(true)
    }
  } catch {
    return undefined
  }
}

function numberIn(payload: Buffer): number | undefined {
  const text = payload.toString()
  return /^\d+$/.test(text) ? Number(text) : undefined
}
