import assert from 'node:assert/strict'
import type { TestHub } from '../../support/hub.ts'
import { pkce, TestBrowser } from '../../../src/testing/oauth-browser.ts'
import { PASSWORD, type Name } from './home.ts'

const REDIRECT = 'http://127.0.0.1:9876/callback'

export interface TokenAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** A program that lets people log in through the hub, as far as an attack needs one. */
export interface OAuthClient {
  readonly id: string
  /** The page of consent, for somebody who signed in. */
  consent(name: Name, params?: Readonly<Record<string, string>>): Promise<Consent>
  /** A code for exactly these scopes, all of which are ticked. */
  code(name: Name, scope: string, params?: Readonly<Record<string, string>>): Promise<string>
  redeem(code: string, fields?: Readonly<Record<string, string>>): Promise<TokenAnswer>
  refresh(token: unknown, fields?: Readonly<Record<string, string>>): Promise<TokenAnswer>
}

export interface Consent {
  readonly text: string
  /** Sends the form with these scopes ticked; resolves to where the browser ends up. */
  allow(
    scopes: readonly string[],
    more?: readonly (readonly [string, string])[],
  ): Promise<{ status: number; back: URL }>
}

export async function oauthClient({ urls }: Pick<TestHub, 'urls'>): Promise<OAuthClient> {
  const { origin } = new URL(urls.http)
  const registered = await fetch(`${origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'A program',
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    }),
  })
  const { client_id: id } = (await registered.json()) as { client_id: string }
  const proof = pkce()
  let browsers = 0
  const tokenOf = async (fields: Readonly<Record<string, string>>): Promise<TokenAnswer> => {
    const body = new URLSearchParams({ client_id: id, ...fields })
    const response = await fetch(`${origin}/oauth/token`, { method: 'POST', body })
    return { status: response.status, body: (await response.json()) as TokenAnswer['body'] }
  }
  const client: OAuthClient = {
    id,
    async consent(name, params = {}) {
      // Each from a network of their own: there are only so many pages for one.
      const browser = new TestBrowser({ 'x-forwarded-for': `198.51.100.${++browsers % 256}` })
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: id,
        redirect_uri: REDIRECT,
        state: 'state',
        code_challenge: proof.challenge,
        code_challenge_method: 'S256',
        resource: urls.mcp,
        ...params,
      })
      const signIn = await browser.open(`${origin}/oauth/authorize?${query.toString()}`)
      const page = await browser.submit(signIn, [
        ['how', 'password'],
        ['name', name],
        ['password', PASSWORD],
      ])
      return {
        text: page.text,
        async allow(scopes, more = []) {
          const ticked = scopes.map((scope) => ['scope', scope] as const)
          const { url, response } = await browser.submit(page, [['answer', 'allow'], ...ticked, ...more])
          return { status: response.status, back: new URL(url) }
        },
      }
    },
    async code(name, scope, params) {
      const consent = await client.consent(name, { scope, ...params })
      const { back } = await consent.allow(scope.split(' '))
      return back.searchParams.get('code') ?? assert.fail(`no code: ${back.href}`)
    },
    redeem: (code, fields) =>
      tokenOf({
        grant_type: 'authorization_code',
        code,
        redirect_uri: REDIRECT,
        code_verifier: proof.verifier,
        ...fields,
      }),
    refresh: (token, fields) => tokenOf({ grant_type: 'refresh_token', refresh_token: String(token), ...fields }),
  }
  return client
}
