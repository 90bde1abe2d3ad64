import { isUtf8 } from 'node:buffer'
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import { compressedFormat } from '../decode/compressed.ts'
import { MAX_DECODED_BYTES } from '../decode/format.ts'
import { topicMatcher } from '../../../kernel/topic.ts'
import { redactJson } from './redact-json.ts'
import { redactText, SECRET_SHOWN } from './redact-text.ts'
import { isSecretName, MAY_HAVE_SECRET } from './secret-names.ts'
import type { RedactionRule } from './session-rules.ts'

export interface RedactedPayload {
  readonly payload: Buffer
  /** How many values were taken out. */
  readonly redacted: number
}

/** Takes secrets out of payloads: what everybody's are called, and what one session's rules say beside. */
export interface Redactor {
  payload(topic: string, payload: Buffer): RedactedPayload
}

interface Rule {
  readonly matches: (topic: string) => boolean
  /** Absent: the whole payload. */
  readonly path?: readonly string[]
}

/** How many topics a session remembers the answer for, and how long they may be. */
const KNOWN_TOPICS = 2000
const KNOWN_CHARACTERS = 500

/** No result shows, and no recording keeps, more of a payload than this; the rest need not be looked through. Bytes. */
const LONGEST_SHOWN = 16 * 1024 * 1024

const WHOLE = Buffer.from(SECRET_SHOWN)

/**
 * Binary payloads other than compressed text are passed as they are: nothing says where in them a secret would be.
 * What is base64 within a text hides a secret from this as well.
 */
export function createRedactor(rules: readonly RedactionRule[]): Redactor {
  const own: readonly Rule[] = rules.map(({ topic, path }) => ({
    matches: topicMatcher(topic),
    ...(path !== undefined && { path: path.split('.') }),
  }))
  /** Topics come again and again. */
  const secretTopics = new Map<string, boolean>()
  const isSecretTopic = (topic: string) => {
    const known = secretTopics.get(topic)
    if (known !== undefined) return known
    const secret = isSecretName(topic.slice(topic.lastIndexOf('/') + 1))
    if (secretTopics.size >= KNOWN_TOPICS) secretTopics.clear()
    if (topic.length <= KNOWN_CHARACTERS) secretTopics.set(topic, secret)
    return secret
  }
  return {
    payload(topic, payload) {
      const unchanged = { payload, redacted: 0 }
      if (payload.length === 0) return unchanged
      const meant = own.length === 0 ? own : own.filter(({ matches }) => matches(topic))
      if (meant.some(({ path }) => path === undefined) || isSecretTopic(topic)) return { payload: WHOLE, redacted: 1 }
      const packing = compressedFormat(payload)
      if (packing) return repacked(packing, payload, meant) ?? unchanged
      const shown = beginningOf(payload)
      if (meant.length === 0 && !MAY_HAVE_SECRET.test(shown.toString('latin1'))) return unchanged
      return cleaned(shown, meant) ?? unchanged
    },
  }
}

/** As much as may be shown, whole characters: continuation bytes of UTF-8 are 10xxxxxx. */
function beginningOf(payload: Buffer): Buffer {
  if (payload.length <= LONGEST_SHOWN) return payload
  let end = LONGEST_SHOWN
  while (end > LONGEST_SHOWN - 4 && ((payload[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return payload.subarray(0, end)
}

/** Undefined when there is nothing to take out. */
function cleaned(payload: Buffer, rules: readonly Rule[]): RedactedPayload | undefined {
  if (!isUtf8(payload)) return undefined
  const { text, redacted } = redact(payload.toString(), rules)
  return redacted === 0 ? undefined : { payload: Buffer.from(text), redacted }
}

/** The same for what is compressed; what decoders would not inflate is not inflated here either. */
function repacked(packing: 'gzip' | 'zlib', payload: Buffer, rules: readonly Rule[]): RedactedPayload | undefined {
  try {
    const [inflate, deflate] = packing === 'gzip' ? [gunzipSync, gzipSync] : [inflateSync, deflateSync]
    const inner = cleaned(inflate(payload, { maxOutputLength: MAX_DECODED_BYTES }), rules)
    return inner && { payload: deflate(inner.payload), redacted: inner.redacted }
  } catch {
    return undefined
  }
}

function redact(text: string, rules: readonly Rule[]) {
  if (!/^\s*[[{"]/.test(text)) return redactText(text)
  return redactJson(text, (path) => isSecretName(path.at(-1) ?? '') || rules.some((rule) => isAt(path, rule.path)))
}

/** A single name is meant at any depth, a longer path from the root; the root itself has a level of its own. */
function isAt(path: readonly string[], wanted: readonly string[] = []): boolean {
  if (wanted.length === 1) return wanted[0] === path.at(-1)
  const levels = path.slice(1)
  return levels.length === wanted.length && wanted.every((name, index) => name === '*' || name === levels[index])
}
