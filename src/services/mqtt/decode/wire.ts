/** One field as protobuf writes it (protobuf.dev, Encoding): varints and fixed ones as their unsigned bits. */
export type WireField =
  | { readonly number: number; readonly wire: 'varint' | 'fixed32' | 'fixed64'; readonly bits: bigint }
  | { readonly number: number; readonly wire: 'bytes'; readonly bytes: Buffer }

const MOST_FIELDS = 100_000

/** The fields of a message in their order, or undefined when the bytes are none. Groups (deprecated) are refused. */
export function readFields(bytes: Buffer): WireField[] | undefined {
  const fields: WireField[] = []
  let at = 0
  while (at < bytes.length) {
    const key = readVarint(bytes, at)
    if (!key || key.bits > 0xffff_ffffn || fields.length >= MOST_FIELDS) return undefined
    const number = Number(key.bits >> 3n)
    const read = number === 0 ? undefined : readValue(bytes, key.end, Number(key.bits & 7n))
    if (!read) return undefined
    fields.push({ number, ...read.value })
    at = read.end
  }
  return fields
}

type Value = { wire: 'varint' | 'fixed32' | 'fixed64'; bits: bigint } | { wire: 'bytes'; bytes: Buffer }

function readValue(bytes: Buffer, at: number, wireType: number): { value: Value; end: number } | undefined {
  if (wireType === 0) {
    const varint = readVarint(bytes, at)
    return varint && { value: { wire: 'varint', bits: varint.bits }, end: varint.end }
  }
  if (wireType === 1 && at + 8 <= bytes.length)
    return { value: { wire: 'fixed64', bits: bytes.readBigUInt64LE(at) }, end: at + 8 }
  if (wireType === 5 && at + 4 <= bytes.length)
    return { value: { wire: 'fixed32', bits: BigInt(bytes.readUInt32LE(at)) }, end: at + 4 }
  if (wireType !== 2) return undefined
  const length = readVarint(bytes, at)
  if (!length || length.bits > BigInt(bytes.length - length.end)) return undefined
  const end = length.end + Number(length.bits)
  return { value: { wire: 'bytes', bytes: bytes.subarray(length.end, end) }, end }
}

/** Seven bits a byte, the lowest first; at most ten bytes. */
export function readVarint(bytes: Buffer, from: number): { bits: bigint; end: number } | undefined {
  let bits = 0n
  for (let index = 0; index < 10; index++) {
    const byte = bytes[from + index]
    if (byte === undefined) return undefined
    bits |= BigInt(byte & 0x7f) << BigInt(7 * index)
    if (byte < 0x80) return { bits: BigInt.asUintN(64, bits), end: from + index + 1 }
  }
  return undefined
}

/** As a number, or as digits where a number would lose some. */
export const integerOf = (bits: bigint): number | string =>
  bits >= BigInt(Number.MIN_SAFE_INTEGER) && bits <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bits) : String(bits)

const scratch = new DataView(new ArrayBuffer(8))

/** The float or double with these bits. What JSON cannot say (NaN, infinities) becomes its name. */
export function floatOf(bits: bigint, size: 32 | 64): number | string {
  if (size === 32) scratch.setUint32(0, Number(BigInt.asUintN(32, bits)))
  else scratch.setBigUint64(0, bits)
  // Seven digits are what a float holds: 21.1 shall not read 21.100000381469727.
  const value = size === 32 ? Number(scratch.getFloat32(0).toPrecision(7)) : scratch.getFloat64(0)
  return Number.isFinite(value) ? value : String(value)
}
