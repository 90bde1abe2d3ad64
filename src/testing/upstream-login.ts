import type { TestContext } from 'node:test'
import { openSqlite } from '../engines/store/sqlite.ts'
import { loadSecrets } from '../engines/secrets.ts'
import { heldClock, type HeldClock } from '../kernel/clock.ts'
import { createLog } from '../kernel/log.ts'
import { startOAuthServer, type OAuthServer } from './oauth-server.ts'
import { startProtectedServer, type ProtectedServer } from './protected-server.ts'
import {
  createUpstreamLogin,
  type LoginStatus,
  type UpstreamLogin,
  type UpstreamLoginOptions,
} from '../gateway/oauth/login.ts'
import { openTokenVault, type TokenVault } from '../gateway/oauth/vault.ts'

export const REDIRECT_URL = 'http://127.0.0.1:8123/oauth/callback'
export const never = new AbortController().signal

export interface LoginFixture {
  readonly as: OAuthServer
  readonly mcp: ProtectedServer
  readonly clock: HeldClock
  readonly vault: TokenVault
  readonly log: string[]
  readonly changes: [person: string, is: LoginStatus['is']][]
  /** A hub that starts anew on the same store; ends with the test. */
  login(more?: Partial<UpstreamLoginOptions>): UpstreamLogin
}

/** A protected server, its authorization server, and a store for the hub's tokens. */
export async function loginFixture(test: Pick<TestContext, 'after'>): Promise<LoginFixture> {
  const clock = heldClock()
  const as = await startOAuthServer(test, clock)
  const mcp = await startProtectedServer(test, as, clock)
  const log: string[] = []
  const rootLog = createLog({ level: 'debug', write: (line) => log.push(line) })
  const store = openSqlite({ file: ':memory:', log: rootLog, clock })
  test.after(() => store.close())
  const key = Buffer.from('0123456789abcdef0123456789ABCDEF').toString('base64')
  const vault = await openTokenVault({
    store,
    secrets: loadSecrets({ file: '/nowhere', log: rootLog, fromEnvironment: key }),
    log: rootLog,
  })
  const changes: LoginFixture['changes'] = []
  return {
    as,
    mcp,
    clock,
    vault,
    log,
    changes,
    login(more = {}) {
      const login = createUpstreamLogin({
        id: 'notes',
        url: mcp.url,
        vault,
        redirectUrl: REDIRECT_URL,
        clock,
        log: rootLog,
        fetch,
        onChange: (person, { is }) => changes.push([person, is]),
        ...more,
      })
      test.after(() => login.close())
      return login
    },
  }
}

/** The whole way through the browser. */
export async function logIn(login: UpstreamLogin, as: OAuthServer, person = 'owner'): Promise<URLSearchParams> {
  const { authorizationUrl } = await login.begin(person, never)
  await login.finish(answerOf(await as.approve(authorizationUrl)), never)
  return new URL(authorizationUrl).searchParams
}

export function answerOf(query: URLSearchParams) {
  const [code, iss, error] = ['code', 'iss', 'error'].map((name) => query.get(name))
  return { state: query.get('state') ?? '', ...(code && { code }), ...(iss && { iss }), ...(error && { error }) }
}

/** Calls a JSON-RPC method and tells the status. */
export async function call(login: UpstreamLogin, mcp: ProtectedServer, method = 'tools/list', person?: string) {
  const response = await login.fetch(person)(mcp.url, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method }),
  })
  await response.body?.cancel()
  return response.status
}
