import { Fault } from '../../kernel/fault.ts'

/** The server wants to know who asks (401), or wants more than the token allows (403 with a challenge). */
export class LoginRequired extends Fault {
  /** HTTP status of the refusal. */
  readonly answeredStatus: 401 | 403
  /** The `WWW-Authenticate` header as it came; undefined: there was none. */
  readonly challenge: string | undefined
  /** What was asked for, without query. */
  readonly url: string

  constructor(name: string, refused: { status: 401 | 403; challenge: string | undefined; url: string }) {
    const { status, challenge, url } = refused
    const what = status === 401 ? 'wants a login' : 'wants more permissions than the login has'
    super('unauthenticated', `${name} ${what} (HTTP ${status}).`, {
      hint: `Log in with \`alicia login ${name}\`, or set the header that it asks for.`,
      details: { provider: name, status },
    })
    this.answeredStatus = status
    this.challenge = challenge
    this.url = url
  }
}
