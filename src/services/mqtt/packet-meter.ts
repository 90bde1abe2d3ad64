/** Reads along where packets begin and end (MQTT 5 §2.1), and says so as soon as one is announced that is too large. */
export type PacketMeter = (chunk: Buffer) => void

/** A length takes at most four bytes (MQTT 5 §1.5.5); what takes more is the parser's to refuse. */
const LENGTH_BYTES = 4

export function createPacketMeter(maxBytes: number, tooLarge: (bytes: number) => void): PacketMeter {
  /** Bytes of the current packet's body that are still to come. */
  let body = 0
  /** Bytes of its header that came; 0: a new packet begins. */
  let header = 0
  let length = 0

  /** The next byte of a header. */
  const take = (byte: number) => {
    header += 1
    if (header === 1) {
      length = 0
      return
    }
    length += (byte & 0x7f) * 128 ** (header - 2)
    if (byte >= 128 && header <= LENGTH_BYTES) return
    if (length > maxBytes) tooLarge(length)
    body = length
    header = 0
  }

  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      const skipped = Math.min(body, chunk.length - at)
      body -= skipped
      at += skipped
      if (at < chunk.length) take(chunk[at++] ?? 0)
    }
  }
}
