import { connect } from 'node:net'

/** CONNECT of MQTT 3.1.1, clean session, keep alive 10 s, empty client id (MQTT 3.1.1, 3.1). */
const CONNECT = Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, 0])

/** First byte of a CONNACK (MQTT 3.1.1, 3.2.1). */
const CONNACK = 0x20

const PROBE_TIMEOUT_MS = 5000

/**
 * Whether an MQTT broker answers at this address: any CONNACK counts, a refusal too. A broker that closes the
 * connection without one (some do when they refuse) is not told apart from another program. Never throws.
 */
export function answersMqtt(host: string, port: number, timeoutMs = PROBE_TIMEOUT_MS): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true })
    const finish = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeoutMs, () => finish(false))
    socket.once('connect', () => socket.write(CONNECT))
    socket.once('data', (bytes) => finish(bytes[0] === CONNACK))
    socket.once('error', () => finish(false))
    socket.once('close', () => finish(false))
  })
}
