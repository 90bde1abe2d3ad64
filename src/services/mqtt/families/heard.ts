/** A message as the families get it. */
export interface HomeMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly retained: boolean
  /** When it came, wall-clock milliseconds. */
  readonly atMs: number
}

/** A message with its place among the others: of two that contradict each other, the one with the higher holds. */
export interface PlacedMessage extends HomeMessage {
  readonly order: number
}

/** The same, with what most families look at; made when first asked for. */
export interface Heard extends PlacedMessage {
  /** At most 32: deeper topics are no device's. */
  readonly levels: readonly string[]
  /** Empty where it is too long to be a word or a state. */
  readonly text: string
  /** The JSON value, or undefined where it is none. */
  readonly value: unknown
  /** What a codec made of it, for payloads that are not JSON. */
  readonly decoded: unknown
}

const MOST_LEVELS = 32
const LONGEST_TEXT_BYTES = 64 * 1024
/** A bridge with hundreds of devices lists them in some megabytes. */
const LONGEST_JSON_BYTES = 8 * 1024 * 1024

/** `decoded` spares parsing what somebody has parsed already. */
export function hear(message: PlacedMessage, decoded?: { readonly format: string; readonly value?: unknown }): Heard {
  const { topic, payload, retained, atMs, order } = message
  let levels: readonly string[] | undefined
  let text: string | undefined
  let parsed: { readonly value: unknown } | undefined
  return {
    topic,
    payload,
    retained,
    atMs,
    order,
    get levels() {
      return (levels ??= topic.split('/', MOST_LEVELS))
    },
    get text() {
      return (text ??= payload.length > LONGEST_TEXT_BYTES ? '' : payload.toString('utf8').trim())
    },
    get value() {
      return (parsed ??= { value: decoded?.format === 'json' ? decoded.value : jsonOf(payload) }).value
    },
    get decoded() {
      return decoded?.value
    },
  }
}

const JSON_STARTS = /^\s*[[{"\dtfn-]/

function jsonOf(payload: Buffer): unknown {
  if (payload.length === 0 || payload.length > LONGEST_JSON_BYTES) return undefined
  if (!JSON_STARTS.test(payload.toString('latin1', 0, 16))) return undefined
  try {
    return JSON.parse(payload.toString('utf8'))
  } catch {
    return undefined
  }
}
