import type { TestContext } from 'node:test'
import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import type { Effect } from '../../kernel/tool.ts'
import { startAuthorization, type TestAuthorizationOptions } from '../../testing/authorization.ts'
import { pkce, TestBrowser } from '../../testing/oauth-browser.ts'

const tool = (name: `${string}.${string}`, scope: string, effect: Effect) =>
  operation()({
    name,
    summary: `Does ${name}.`,
    scope,
    effect,
    input: z.object({}),
    output: z.object({}),
    handler: async () => ({}),
  }).bind({})

const TOOLS = [
  tool('text.read_note', 'text:read', 'read'),
  tool('text.write_note', 'text:write', 'write'),
  tool('text.burn_note', 'text:write', 'destructive'),
]

export const REDIRECT = 'http://127.0.0.1:9876/callback'
export const PASSWORD = 'a long walk on the beach'

/** An authorization server with a client that has registered itself, and what the client and a person do. */
export async function startFlow(t: TestContext, options: Partial<TestAuthorizationOptions> = {}) {
  const hub = await startAuthorization(t, { tools: TOOLS, ...options })
  const { origin } = hub
  const register = async (metadata: object = {}) => {
    const response = await fetch(`${origin}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'Test client',
        redirect_uris: [REDIRECT],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'none',
        ...metadata,
      }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const clientId = String((await register()).body['client_id'])
  const proof = pkce()
  const authorizeUrl = (params: Record<string, string | undefined> = {}) => {
    const all = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: REDIRECT,
      scope: 'text:read',
      state: 'state-1',
      code_challenge: proof.challenge,
      code_challenge_method: 'S256',
      resource: `${origin}/mcp`,
      ...params,
    }
    const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
    return `${origin}/oauth/authorize?${new URLSearchParams(given).toString()}`
  }
  const ask = async (path: string, fields: Record<string, string>) => {
    const response = await fetch(`${origin}${path}`, { method: 'POST', body: new URLSearchParams(fields) })
    const text = await response.text()
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
  }
  const redeem = (code: string, fields: Record<string, string> = {}) =>
    ask('/oauth/token', {
      grant_type: 'authorization_code',
      client_id: clientId,
      code,
      redirect_uri: REDIRECT,
      code_verifier: proof.verifier,
      ...fields,
    })
  const refresh = (token: unknown, fields: Record<string, string> = {}) =>
    ask('/oauth/token', { grant_type: 'refresh_token', client_id: clientId, refresh_token: String(token), ...fields })
  const addMia = (scopes: readonly string[] = ['text:read', 'text:write']) =>
    hub.people.add({ name: 'mia', role: 'child', password: PASSWORD, scopes })
  const signInAs = (browser: TestBrowser, page: { url: string; text: string }, name = 'mia', password = PASSWORD) =>
    browser.submit(page, [
      ['how', 'password'],
      ['name', name],
      ['password', password],
    ])
  const allow = (browser: TestBrowser, page: { url: string; text: string }, ...scopes: string[]) =>
    browser.submit(page, [['answer', 'allow'], ...scopes.map((scope) => ['scope', scope] as const)])
  /** All of it, as somebody who agrees to everything. */
  const logIn = async (browser = new TestBrowser(), scope = 'text:read') => {
    const consent = await signInAs(browser, await browser.open(authorizeUrl({ scope })))
    const back = await allow(browser, consent, ...scope.split(' '))
    return new URL(back.url).searchParams
  }
  const whoIs = async (token: unknown) => await hub.identity.authenticate(String(token), 'mcp', { resource: '/mcp' })
  return { ...hub, clientId, register, authorizeUrl, redeem, refresh, ask, addMia, signInAs, allow, logIn, whoIs }
}
