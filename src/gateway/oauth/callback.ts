import { createHash } from 'node:crypto'
import { Fault, toFault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { LoginAnswer } from '../../kernel/ports.ts'

export interface CallbackOptions {
  /** Ends the login this answer belongs to; resolves to the server's name. */
  finish(answer: LoginAnswer, signal: AbortSignal): Promise<string>
  readonly log: Log
}

/**
 * Answers a browser that comes back from an authorization server: a page for the person, which says that it worked or
 * what to do. Nobody is logged in at the hub by it: the `state` alone says which login it is. Never throws.
 */
export async function loginCallback(request: Request, { finish, log }: CallbackOptions): Promise<Response> {
  // Whatever looks at a link before a person does must not use it up.
  if (request.method !== 'GET') return new Response(null, { status: 405, headers: { allow: 'GET' } })
  try {
    const name = await finish(readAnswer(new URL(request.url).searchParams), request.signal)
    return page(200, 'Logged in', [`Alicia may use ${name} for you now.`, 'You can close this window.'])
  } catch (error) {
    const fault = toFault(error, (reference, cause) => log.error('a login failed', { reference, error: cause }))
    return page(fault.status, 'Not logged in', [fault.message, ...(fault.hint === undefined ? [] : [fault.hint])])
  }
}

/** Throws Fault `invalid_request`: a parameter that stands twice could be read in two ways (RFC 6749, section 3.1). */
function readAnswer(query: URLSearchParams): LoginAnswer {
  const one = (name: string): string | undefined => {
    const [value, ...more] = query.getAll(name)
    if (more.length === 0) return value
    throw new Fault('invalid_request', `The answer of the login server has more than one ${name}.`)
  }
  const [state, code, iss, error] = [one('state'), one('code'), one('iss'), one('error')]
  if (state === undefined)
    throw new Fault('invalid_request', 'This address is for login servers to send browsers to.', {
      hint: 'Begin a login with: alicia login <server>',
    })
  return {
    state,
    ...(code !== undefined && { code }),
    ...(iss !== undefined && { iss }),
    ...(error !== undefined && { error }),
  }
}

const STYLE =
  'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}'

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  // Nothing of the page is worth anything to whoever would frame it, run in it, or send something from it.
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  // The address holds the code.
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

function page(status: number, title: string, lines: readonly string[]): Response {
  const paragraphs = lines.map((line) => `<p>${escape(line)}</p>`).join('')
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style><h1>${title}</h1>${paragraphs}</html>\n`
  return new Response(html, { status, headers: HEADERS })
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
