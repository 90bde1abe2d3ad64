import type { Random } from './random.ts'

/** What a mutation may draw on besides the input itself. */
export interface Material {
  readonly random: Random
  /** Another input, to take parts of. */
  readonly other: Buffer
  readonly tokens: readonly Buffer[]
  readonly longestBytes: number
}

/** One change of bytes. The input is never longer than `longestBytes` afterwards. */
type Mutation = (input: Buffer, material: Material) => Buffer

/** Bytes that mean something to some parser: quotes, brackets, separators, ends of lines, limits of UTF-8. */
const TELLING = Buffer.from('\0\t\n\r "#$%&\'()*+,-./0:;<=>?@[\\]^_`{|}~\u007f', 'latin1')
const TELLING_TEXTS = ['\u001e', '__proto__', 'constructor', '\u2028', '\ufeff', '%00', '\\u0000', '\r\n', '𝒳', '../']
const EDGES = ['0', '-0', '-1', '1e999', '1e-999', '0.1', '65536', '2147483648', '9007199254740993', 'NaN', '0x10']
const WORDS = [...TELLING_TEXTS, ...EDGES].map((text) => Buffer.from(text))
/** Not UTF-8: a lone continuation, a cut sequence, an overlong NUL, a surrogate. */
const BROKEN = [[0x80], [0xe2, 0x82], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xff]].map((bytes) => Buffer.from(bytes))

interface Span {
  readonly from: number
  readonly to: number
}

/** Short spans are chosen more often. */
function spanOf(input: Buffer, random: Random): Span {
  const from = random.below(input.length + 1)
  const length = random.below(1 + Math.min(input.length - from, 1 << random.below(8)))
  return { from, to: from + length }
}

const replaced = (input: Buffer, { from, to }: Span, by: Uint8Array): Buffer =>
  Buffer.concat([input.subarray(0, from), by, input.subarray(to)])

const inserted = (input: Buffer, by: Uint8Array, random: Random): Buffer => {
  const at = random.below(input.length + 1)
  return replaced(input, { from: at, to: at }, by)
}

const byteChange =
  (change: (byte: number, random: Random) => number): Mutation =>
  (input, { random }) => {
    const changed = Buffer.from(input)
    const at = random.below(input.length)
    if (at < changed.length) changed[at] = change(changed[at] ?? 0, random) & 0xff
    return changed
  }

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  byteChange((byte, random) => byte ^ (1 << random.below(8))),
  byteChange((_, random) => random.below(256)),
  byteChange((_, random) => TELLING[random.below(TELLING.length)] ?? 0),
  byteChange((byte, random) => byte + random.below(17) - 8),
  (input, { random }) => replaced(input, spanOf(input, random), Buffer.alloc(0)),
  (input, { random }) => {
    const { from, to } = spanOf(input, random)
    return inserted(input, input.subarray(from, to), random)
  },
  (input, { random, other }) => {
    const { from, to } = spanOf(other, random)
    return replaced(input, spanOf(input, random), other.subarray(from, to))
  },
  (input, { random, other }) =>
    Buffer.concat([input.subarray(0, random.below(input.length + 1)), other.subarray(random.below(other.length + 1))]),
  (input, { random, tokens }) => inserted(input, random.pick(tokens) ?? Buffer.alloc(0), random),
  (input, { random, tokens }) => replaced(input, spanOf(input, random), random.pick(tokens) ?? Buffer.alloc(0)),
  (input, { random }) => inserted(input, random.pick(WORDS) ?? Buffer.alloc(0), random),
  (input, { random }) => inserted(input, random.pick(BROKEN) ?? Buffer.alloc(0), random),
  (input, { random }) => inserted(input, TELLING.subarray(random.below(TELLING.length)).subarray(0, 1), random),
  (input, { random }) => {
    const { from, to } = spanOf(input, random)
    return inserted(
      input,
      Buffer.concat(Array.from({ length: 1 + random.below(8) }, () => input.subarray(from, to))),
      random,
    )
  },
]

/** Changes an input in one to eight places. */
export function mutate(input: Buffer, material: Material): Buffer {
  const { random, longestBytes } = material
  let changed = input
  for (let left = 1 << random.below(4); left > 0; left--)
    changed = random.pick(MUTATIONS)(changed, material).subarray(0, longestBytes)
  return changed
}

/** A part of the input over and over, up to `longestBytes`: what takes the square of its length shows. */
export function stretch(input: Buffer, { random, longestBytes }: Material): Buffer {
  const span = spanOf(input, random)
  const part = input.subarray(span.from, Math.max(span.to, span.from + 1))
  if (part.length === 0) return input
  const times = Math.max(0, Math.floor((longestBytes - input.length) / part.length))
  return replaced(input, span, Buffer.alloc(times * part.length, part))
}
