import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { pkce, TestBrowser } from '../src/testing/oauth-browser.ts'
import { startHub, type TestHub } from './support/hub.ts'

const PASSWORD = 'violet-harbour-quietly-94'
const REDIRECT = 'http://127.0.0.1:9876/callback'

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

suite('one program that two people let in', () => {
  const ending = cleanUps()
  let hub: TestHub
  let clientId = ''

  before(async () => {
    hub = await startHub(ending)
    await hub.result('people.add_person', { name: 'anna', role: 'adult', password: PASSWORD })
    await hub.result('people.add_person', { name: 'kim', role: 'child', password: PASSWORD })
    const metadata = { client_name: 'One program', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' }
    const grant_types = ['authorization_code', 'refresh_token']
    const registered = await fetch(`${hub.urls.http}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...metadata, grant_types }),
    })
    clientId = ((await registered.json()) as { client_id: string }).client_id
  })
  after(() => ending.run())

  const tokenRequest = async (fields: Record<string, string>): Promise<Tokens> => {
    const body = new URLSearchParams({ client_id: clientId, ...fields })
    const response = await fetch(`${hub.urls.http}/oauth/token`, { method: 'POST', body })
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return JSON.parse(text) as Tokens
  }

  /** The person lets it in with these scopes, in a browser of their own. */
  const letIn = async (name: string, ...scopes: string[]): Promise<Tokens> => {
    const proof = pkce()
    const asked = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: REDIRECT,
      scope: scopes.join(' '),
      code_challenge: proof.challenge,
      code_challenge_method: 'S256',
      resource: `${hub.urls.http}/mcp`,
    })
    const browser = new TestBrowser()
    const page = await browser.open(`${hub.urls.http}/oauth/authorize?${asked.toString()}`)
    const signIn = [
      ['how', 'password'],
      ['name', name],
      ['password', PASSWORD],
    ] as const
    const consent = await browser.submit(page, signIn)
    const yes = [['answer', 'allow'], ...scopes.map((scope) => ['scope', scope] as const)] as const
    const back = await browser.submit(consent, yes)
    const code = new URL(back.url).searchParams.get('code') ?? ''
    const fields = { code, redirect_uri: REDIRECT, code_verifier: proof.verifier }
    return await tokenRequest({ grant_type: 'authorization_code', ...fields })
  }

  /** Asks for what a child does not decide alone; resolves once it waits. */
  const wantDeleted = async (token: string) => {
    const response = await fetch(`${hub.urls.http}/api/mqtt/delete_recording`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ name: 'monday' }),
    })
    const events = (response.body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader()
    let heard = ''
    const until = async (pattern: RegExp): Promise<string> => {
      for (;;) {
        const found = pattern.exec(heard)?.[1]
        if (found !== undefined) return found
        const { value, done } = await events.read()
        if (done) assert.fail(`it ended without ${pattern}: ${heard}`)
        heard += value
      }
    }
    return {
      id: await until(/waits for approval (\w+)/),
      outcome: () => until(/event: (?:result|fault)\ndata: (.*)\n/),
    }
  }

  const approve = (id: string, token: string) => hub.call('approvals.approve_call', { id }, { token })

  test('cannot say yes for the one to what it asks for the other; the person can', async () => {
    const [kims, annas] = [await letIn('kim', 'mqtt:*'), await letIn('anna', 'approvals:*')]
    const { id, outcome } = await wantDeleted(kims.access_token)
    const renewed = await tokenRequest({ grant_type: 'refresh_token', refresh_token: annas.refresh_token })
    for (const token of [annas.access_token, renewed.access_token]) {
      const { status, body } = await approve(id, token)
      assert.equal(status, 403)
      assert.match(String(body['detail']), /Whoever asks cannot be who says yes/)
    }
    const login = await fetch(`${hub.urls.http}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'anna', password: PASSWORD }),
    })
    const { access_token: own } = (await login.json()) as Tokens
    assert.equal((await approve(id, own)).status, 200)
    assert.match(await outcome(), /not_found|monday/)
  })
})
