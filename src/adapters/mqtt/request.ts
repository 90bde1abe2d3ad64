import { Fault } from '../../kernel/fault.ts'
import type { BusMessage } from '../../kernel/ports.ts'
import { readJson } from './json.ts'

/** Where and in what form the caller wants its answer. */
export type ReplyTo =
  /** MQTT 5: response topic and correlation data (MQTT 5.0, 4.10). */
  | { readonly form: 'properties'; readonly topic: string; readonly correlationData?: Buffer }
  /** MQTT 3.1.1 has neither, so both stand in the payload: `{id, reply, body}`. */
  | { readonly form: 'envelope'; readonly topic: string; readonly id: unknown }
  /** Nobody waits for an answer. */
  | { readonly form: 'none' }

/** A request, taken apart. It says nothing about who sent it: that is the topic's to say. */
export interface Request {
  readonly replyTo: ReplyTo
  readonly qos: 0 | 1 | 2
  readonly body: { readonly is: 'read'; readonly input: unknown } | { readonly is: 'refused'; readonly fault: Fault }
  readonly wantsProgress: boolean
  /** Milliseconds the caller is willing to wait. */
  readonly timeoutMs?: number
  /** Two requests of one caller with the same key are one. */
  readonly idempotencyKey?: string
  /** W3C trace context. */
  readonly trace?: string
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const LONGEST_KEY = 255
const ENVELOPE_KEYS = new Set(['id', 'reply', 'body', 'progress', 'timeout_ms', 'idempotency_key'])

/** Never throws: what is wrong with the payload is in `body`, because its sender has to be told. */
export function readRequest(message: BusMessage): Request {
  const { responseTopic } = message.properties ?? {}
  try {
    const properties = fromProperties(message)
    const value = readJson(message.payload)
    if (responseTopic !== undefined || !isEnvelope(value)) return withBody(properties, value)
    return fromEnvelope(properties, value)
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return { replyTo: replyToOf(message), qos: message.qos, wantsProgress: false, body: { is: 'refused', fault } }
  }
}

type Unread = Omit<Request, 'body'>

const withBody = (request: Unread, input: unknown): Request => ({ ...request, body: { is: 'read', input } })

function fromProperties(message: BusMessage): Unread {
  const { contentType, messageExpiryInterval } = message.properties ?? {}
  if (contentType !== undefined && !/^(application\/(\S+\+)?json|text\/plain)\b/i.test(contentType))
    throw new Fault('unsupported_media', `Requests are application/json, not ${JSON.stringify(contentType)}.`)
  const idempotencyKey = checkedKey(userProperty(message, 'idempotency-key'))
  const trace = userProperty(message, 'traceparent')
  return {
    replyTo: replyToOf(message),
    qos: message.qos,
    wantsProgress: userProperty(message, 'progress') === '1',
    // What is left of the interval, in whole seconds: 0 can still be most of one (MQTT 5.0, 3.3.2.3.3).
    ...(messageExpiryInterval !== undefined && { timeoutMs: Math.max(messageExpiryInterval, 1) * 1000 }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(trace !== undefined && TRACEPARENT.test(trace) && { trace }),
  }
}

function replyToOf({ properties }: BusMessage): ReplyTo {
  if (properties?.responseTopic === undefined) return { form: 'none' }
  const { responseTopic: topic, correlationData } = properties
  return { form: 'properties', topic, ...(correlationData !== undefined && { correlationData }) }
}

interface Envelope {
  readonly id?: unknown
  readonly reply: string
  readonly body?: unknown
  readonly progress?: unknown
  readonly timeout_ms?: unknown
  readonly idempotency_key?: unknown
}

/** An object that names a reply topic and has no key that an envelope has not. */
function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return (
    'reply' in value && typeof value.reply === 'string' && Object.keys(value).every((key) => ENVELOPE_KEYS.has(key))
  )
}

function fromEnvelope(properties: Unread, envelope: Envelope): Request {
  const replyTo: ReplyTo = { form: 'envelope', topic: envelope.reply, id: envelope.id ?? null }
  const { timeout_ms: timeoutMs, idempotency_key: key } = envelope
  const request: Unread = { ...properties, replyTo, wantsProgress: envelope.progress === true }
  try {
    if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0))
      throw new Fault('invalid_request', 'timeout_ms is not a positive number.')
    const idempotencyKey = checkedKey(key)
    const read = withBody(request, envelope.body ?? {})
    return {
      ...read,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    }
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return { ...request, body: { is: 'refused', fault } }
  }
}

function checkedKey(key: unknown): string | undefined {
  if (key === undefined) return undefined
  if (typeof key === 'string' && key !== '' && key.length <= LONGEST_KEY) return key
  throw new Fault('invalid_request', `An idempotency key is a text of 1 to ${LONGEST_KEY} characters.`)
}

function userProperty({ properties }: BusMessage, name: string): string | undefined {
  const value = properties?.userProperties?.[name]
  return Array.isArray(value) ? value[0] : value
}
