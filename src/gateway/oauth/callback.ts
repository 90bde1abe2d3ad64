import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault, toFault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { LoginAnswer, WaitingLogin } from '../../kernel/ports.ts'

export interface CallbackOptions {
  /** The login that waits for this state. Looks, and uses nothing up. */
  waiting(state: string): WaitingLogin | undefined
  /**
   * Who is signed in at the hub with the browser; undefined: that was asked, and the request is answered. `reason`: a sentence on
   * what it is for. Throws Fault.
   */
  visitor(request: IncomingMessage, response: ServerResponse, reason: string): Promise<string | undefined>
  /** Ends the login this answer belongs to; resolves to the server's name. */
  finish(answer: LoginAnswer, signal: AbortSignal, account?: string): Promise<string>
  /** Told of an account that came back from a login which somebody else began. */
  onStranger(login: WaitingLogin, account: string): void
  readonly log: Log
}

/**
 * Answers a browser that comes back from an authorization server: a page for the person, which says that it worked or
 * what to do. Who has to be signed in at the hub is asked first where they are not: until then the answer stays unused. Never throws.
 */
export async function loginCallback(
  request: IncomingMessage,
  response: ServerResponse,
  options: CallbackOptions,
): Promise<void> {
  // Whatever looks at a link before a person does must not use it up.
  if (request.method !== 'GET' && request.method !== 'POST')
    return void response.writeHead(405, { allow: 'GET, POST', 'cache-control': 'no-store' }).end()
  try {
    const name = await end(request, response, options)
    if (name === undefined) return
    sendPage(response, 200, 'Logged in', [`Alicia may use ${name} for you now.`, 'You can close this window.'])
  } catch (error) {
    const fault = toFault(error, (reference, cause) => options.log.error('a login failed', { reference, error: cause }))
    if (response.headersSent) return void response.destroy()
    if (fault.retryAfterMs !== undefined)
      response.setHeader('retry-after', String(Math.ceil(fault.retryAfterMs / 1000)))
    const lines = fault.hint === undefined ? [fault.message] : [fault.message, fault.hint]
    sendPage(response, fault.status, 'Not logged in', lines)
  }
}

/** Resolves to the server's name; undefined: the browser was answered, and comes back. Throws Fault. */
async function end(
  request: IncomingMessage,
  response: ServerResponse,
  { waiting, visitor, finish, onStranger }: CallbackOptions,
): Promise<string | undefined> {
  const answer = readAnswer(queryOf(request))
  const login = waiting(answer.state)
  const isAsked = login?.account !== undefined && answer.code !== undefined
  // A form is that of the page to sign in: nothing is ended by it.
  if (!isAsked && request.method !== 'POST') return await finish(answer, leavingOf(response))
  const account = await visitor(request, response, `A login at ${login?.server ?? 'a server'} was begun here.`)
  if (account === undefined) return undefined
  if (login?.account !== undefined && login.account !== account) onStranger(login, account)
  return await finish(answer, leavingOf(response), account)
}

/** Aborts when the browser goes away before its answer. */
function leavingOf(response: ServerResponse): AbortSignal {
  const leaving = new AbortController()
  response.once('close', () => response.writableFinished || leaving.abort())
  return leaving.signal
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const at = url.indexOf('?')
  return new URLSearchParams(at === -1 ? '' : url.slice(at))
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

function sendPage(response: ServerResponse, status: number, title: string, lines: readonly string[]): void {
  const paragraphs = lines.map((line) => `<p>${escape(line)}</p>`).join('')
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style><h1>${title}</h1>${paragraphs}</html>\n`
  response.writeHead(status, { ...HEADERS, 'content-length': Buffer.byteLength(html) }).end(html)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
