import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { TestBrowser, withoutRandom } from '../src/testing/oauth-browser.ts'
import { startOAuthServer } from '../src/testing/oauth-server.ts'
import { startProtectedServer } from '../src/testing/protected-server.ts'
import { startHub } from './support/hub.ts'

const PASSWORDS = { ada: 'violet-harbour-quietly-94', bea: 'seven grey geese fly home' } as const
type Name = keyof typeof PASSWORDS

/** A hub with Ada and Bea in front of a protected server. */
async function start(t: TestContext) {
  const as = await startOAuthServer(t)
  const mcp = await startProtectedServer(t, as)
  mcp.behaviour.result = () => ({})
  const args = ['--log-level', 'debug']
  const hub = await startHub(t, { args, mcp: { mcpServers: { notes: { url: mcp.url } } } })
  for (const [name, password] of Object.entries(PASSWORDS))
    await hub.result('people.add_person', { name, role: 'adult', password, scopes: ['gateway:*', 'people:own'] })
  const tokenOf = async (name: Name): Promise<string> => {
    const response = await fetch(`${hub.urls.http}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, password: PASSWORDS[name] }),
    })
    return ((await response.json()) as { access_token: string }).access_token
  }
  const idOf = async (name: Name): Promise<unknown> => {
    const headers = { authorization: `Bearer ${await tokenOf(name)}` }
    const response = await fetch(`${hub.urls.http}/auth/validate`, { headers })
    return ((await response.json()) as { id: unknown }).id
  }
  /** Begins a login and allows it at the server: the address that the browser is sent back to. */
  const begin = async (token: string): Promise<string> => {
    const { authorization_url: url } = await hub.result('gateway.login_server', { name: 'notes' }, { token })
    return `${hub.urls.http}/oauth/callback?${(await as.approve(String(url))).toString()}`
  }
  const signIn = (browser: TestBrowser, page: { url: string; text: string }, name: Name) =>
    browser.submit(page, [
      ['how', 'password'],
      ['name', name],
      ['password', PASSWORDS[name]],
    ])
  const signedIn = async (name: Name): Promise<TestBrowser> => {
    const browser = new TestBrowser()
    const { text } = await signIn(browser, await browser.open(`${hub.urls.http}/oauth/apps`), name)
    assert.match(text, new RegExp(`Signed in as ${name}`))
    return browser
  }
  return { as, hub, idOf, tokenOf, begin, signIn, signedIn }
}

suite('a login at a protected server ends for whoever began it', () => {
  test('somebody else who follows the link gives nothing away, and it is on record', async (t) => {
    const { as, hub, idOf, tokenOf, begin, signIn, signedIn } = await start(t)
    const ada = await tokenOf('ada')
    const bea = await signedIn('bea')
    const link = await begin(ada)
    const refused = await bea.open(link)
    assert.equal(refused.response.status, 403)
    assert.match(refused.text, /begun by somebody else.*Nothing was kept/)
    assert.doesNotMatch(refused.text, /ada/)
    assert.equal(as.tokens.size, 0, 'the code was never redeemed')
    assert.equal((await (await signedIn('ada')).open(link)).response.status, 404, 'nor will it be')

    const fresh = new TestBrowser()
    const asked = await fresh.open(await begin(ada))
    assert.match(asked.text, /A login at notes was begun here/)
    assert.doesNotMatch(withoutRandom(asked.text), /ada/)
    assert.equal((await signIn(fresh, asked, 'bea')).response.status, 403, 'not by signing in on the way either')
    assert.equal(as.tokens.size, 0)

    const { entries } = await hub.result('audit.search_audit', { operation: 'login.failed' })
    const details = { server: 'notes', begunBy: await idOf('ada') }
    const entry = { outcome: 'forbidden', caller: await idOf('bea'), arguments: details }
    assert.partialDeepStrictEqual(entries, [entry, entry])
  })

  test('whoever began it signs in on the way, once, and has it', async (t) => {
    const { as, hub, tokenOf, begin, signIn } = await start(t)
    const token = await tokenOf('ada')
    const browser = new TestBrowser()
    const link = await begin(token)
    for (const method of ['HEAD', 'OPTIONS']) await fetch(link, { method })
    const asked = await browser.open(link)
    assert.equal(asked.response.status, 200)
    assert.match(asked.text, /name="password"/)
    assert.equal(as.tokens.size, 0)
    const done = await signIn(browser, asked, 'ada')
    assert.equal(done.response.status, 200)
    assert.match(done.text, /Alicia may use notes for you now/)
    assert.equal(done.response.headers.get('referrer-policy'), 'no-referrer')
    assert.ok(as.tokens.size > 0)
    assert.match((await browser.open(await begin(token))).text, /Alicia may use notes/, 'signed in is signed in')

    const said = `${hub.stdout()}${hub.stderr()}`
    for (const secret of new URL(link).searchParams.values())
      if (!secret.startsWith('http')) assert.ok(!said.includes(secret), secret)
  })

  test('the owner’s needs no step more; that of a token of nobody’s needs the owner', async (t) => {
    const { as, hub, begin, signedIn } = await start(t)
    const own = await fetch(await begin(hub.token))
    assert.equal(own.status, 200)
    const before = as.tokens.size
    assert.ok(before > 0)

    const made = await hub.result('tokens.create_token', { name: 'script', scopes: ['gateway:*'] })
    const token = String(made['token'])
    assert.equal((await (await signedIn('bea')).open(await begin(token))).response.status, 403)
    assert.equal(as.tokens.size, before)
    const browser = new TestBrowser()
    const done = await browser.submit(await browser.open(await begin(token)), [
      ['how', 'token'],
      ['token', hub.token],
    ])
    assert.match(done.text, /Alicia may use notes/)
    assert.ok(as.tokens.size > before)
  })

  test('a token of a person’s needs that person', async (t) => {
    const { hub, begin, signedIn } = await start(t)
    const made = await hub.result('tokens.create_token', { name: 'tablet', scopes: ['gateway:*'], for: 'ada' })
    const token = String(made['token'])
    assert.equal((await (await signedIn('bea')).open(await begin(token))).response.status, 403)
    assert.equal((await (await signedIn('ada')).open(await begin(token))).response.status, 200)
  })
})
