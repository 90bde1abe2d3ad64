/** A message or release as the embedded broker hands it to its persistence, and gets it back. */
export interface Packet {
  cmd: string
  topic: string
  payload: Buffer | string
  qos: 0 | 1 | 2
  retain: boolean
  dup: boolean
  messageId: number | undefined
  /** The run of the broker that took the message in, and its number in that run: its identity while it is queued. */
  brokerId: string
  brokerCounter: number
  properties?: Record<string, unknown>
  /** Wall-clock milliseconds at which the message is worth nothing any more. */
  messageExpiry?: number
}

/** Everything of a packet but its payload, as text; binary properties (correlation data) as base64. */
export function encodeHead(packet: object): string {
  return JSON.stringify(packet, (key, value: unknown) => {
    if (key === 'payload') return undefined
    // JSON.stringify calls Buffer.toJSON before this function sees the value.
    return isBufferJson(value) ? { $base64: Buffer.from(value.data).toString('base64') } : value
  })
}

/** What `encodeHead` wrote. */
export function decodeHead(text: string): Record<string, unknown> {
  return JSON.parse(text, (_, value: unknown) => {
    if (value === null || typeof value !== 'object') return value
    return '$base64' in value && typeof value.$base64 === 'string' ? Buffer.from(value.$base64, 'base64') : value
  }) as Record<string, unknown>
}

/** A column's payload as it was: text stays text, bytes are given as a Buffer. */
export function payloadOf(column: unknown): Buffer | string {
  if (typeof column === 'string') return column
  const bytes = column as Uint8Array
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const isBufferJson = (value: unknown): value is { data: number[] } =>
  value !== null && typeof value === 'object' && 'type' in value && value.type === 'Buffer' && 'data' in value
