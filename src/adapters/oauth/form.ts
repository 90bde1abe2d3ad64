import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Fault } from '../../kernel/fault.ts'

/** A form of ours has a few hundred bytes. */
const MOST_BYTES = 16 * 1024

/**
 * The fields of a form that one of our own pages sent. Throws Fault `forbidden` for a form of another page (browsers say which:
 * Fetch, 3.2 and Fetch Metadata, 2.3), `unsupported_media`, `too_large`.
 */
export async function readForm(request: IncomingMessage, origin: string): Promise<URLSearchParams> {
  const { origin: from, 'sec-fetch-site': site = 'same-origin', 'content-type': type = '' } = request.headers
  if (from !== origin || site !== 'same-origin')
    throw new Fault('forbidden', 'This form was not sent by a page of the hub.', { hint: 'Go back, and begin again.' })
  return await readFields(request, type)
}

/** The fields of a form, whoever sent it. */
export async function readFields(request: IncomingMessage, type: string): Promise<URLSearchParams> {
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type))
    throw new Fault('unsupported_media', 'A form is sent as application/x-www-form-urlencoded.')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) throw new Fault('too_large', `A form may have ${MOST_BYTES} bytes.`)
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

/** A field that stands once; empty where it is missing. Throws Fault `invalid_request` for one that stands twice. */
export function field(form: URLSearchParams, name: string): string {
  const [value = '', ...more] = form.getAll(name)
  if (more.length > 0) throw new Fault('invalid_request', `The form has more than one ${name}.`)
  return value
}

/** What only a page that this hub made for this very step can know. */
export const formToken = (key: Buffer, ...bound: readonly string[]): string =>
  createHmac('sha256', key).update(JSON.stringify(bound)).digest('base64url')

/** Throws Fault `forbidden`. */
export function checkFormToken(form: URLSearchParams, expected: string): void {
  const [shown, own] = [Buffer.from(field(form, 'form')), Buffer.from(expected)]
  if (shown.length === own.length && timingSafeEqual(shown, own)) return
  throw new Fault('forbidden', 'This form belongs to another page.', { hint: 'Go back, and begin again.' })
}
