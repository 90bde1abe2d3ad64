import type { Client } from 'aedes'
import { Fault } from '../../kernel/fault.ts'

/** Why a connection is refused: CONNACK of MQTT 3.1.1 (3.2.2.3) and of MQTT 5 (3.2.2.2). */
export interface Refusal {
  readonly returnCode: 2 | 3 | 4 | 5
  readonly reasonCode: number
  readonly reason: string
}

export const REFUSALS = {
  identifier: { returnCode: 2, reasonCode: 0x85, reason: 'a client of another login has this identifier' },
  unavailable: { returnCode: 3, reasonCode: 0x88, reason: 'the hub is starting' },
  password: { returnCode: 4, reasonCode: 0x86, reason: 'the user name or password is wrong' },
  unauthorized: { returnCode: 5, reasonCode: 0x87, reason: 'not authorized' },
  quota: { returnCode: 3, reasonCode: 0x97, reason: 'its user has too much open already' },
  rate: { returnCode: 3, reasonCode: 0x9f, reason: 'there were too many wrong attempts' },
} as const satisfies Record<string, Refusal>

/** MQTT 5, 3.14.2.1 (DISCONNECT) and 3.4.2.1 (PUBACK). */
export const REASONS = {
  notAuthorized: 0x87,
  receiveMaximumExceeded: 0x93,
  quotaExceeded: 0x97,
  maximumConnectTime: 0xa0,
} as const

/** What a fault of the gate means on the wire. `isNameless`: nobody said a name, so none can be wrong. */
export function refusalOf(error: unknown, isNameless: boolean): Refusal {
  const code = error instanceof Fault ? error.code : undefined
  if (code === 'rate_limited') return REFUSALS.rate
  if (code === 'unauthenticated') return isNameless ? REFUSALS.unauthorized : REFUSALS.password
  return REFUSALS.unavailable
}

/** Codes that aedes can say itself, by translating those of MQTT 3.1.1. */
const OF_AEDES: ReadonlySet<number> = new Set([0x85, 0x86, 0x87, 0x88])

/**
 * Refuses a CONNECT. aedes knows the codes of MQTT 3.1.1 and their translations; the others are written here, and aedes hears
 * nothing more of the client than its end.
 */
export function refuseConnect(
  client: Client,
  { returnCode, reasonCode, reason }: Refusal,
  done: (error: never, success: boolean | null) => void,
): void {
  if (client.version !== 5 || OF_AEDES.has(reasonCode))
    return done(Object.assign(new Error(reason), { returnCode }) as never, false)
  client.conn.end(Buffer.from([0x20, 3, 0, reasonCode, 0]), () => client.close())
}

/** A PUBACK (QoS 1) or PUBREC (QoS 2) of MQTT 5 that says no, with words. */
export function refusedAck(qos: 1 | 2, messageId: number, reasonCode: number, reason: string): Buffer {
  const text = Buffer.from(reason)
  const properties = Buffer.from([0x1f, text.length >> 8, text.length & 0xff, ...text])
  const body = [messageId >> 8, messageId & 0xff, reasonCode, properties.length]
  return Buffer.concat([Buffer.from([qos === 1 ? 0x40 : 0x50, body.length + properties.length, ...body]), properties])
}
