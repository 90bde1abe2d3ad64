import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { TestBrowser } from '../../testing/oauth-browser.ts'
import { PASSWORD, startFlow } from './flow.fixture.ts'

type Page = { url: string; text: string }

/** Sends the form of a page, and goes no further: what comes next is not asked for. */
function sendOnly(browser: TestBrowser, page: Page, fields: Record<string, string>): Promise<Response> {
  const form = new URLSearchParams({ form: /name="form"\s+value="([^"]+)"/.exec(page.text)?.[1] ?? '', ...fields })
  const { origin } = new URL(page.url)
  return browser.ask(page.url, { method: 'POST', body: form, headers: { origin, 'sec-fetch-site': 'same-origin' } })
}

suite('who signs in with a little gets no more', () => {
  test('a login that is begun in a browser with another login, and left in the middle', async (t) => {
    const hub = await startFlow(t)
    const mia = await hub.addMia()
    await hub.people.add({ name: 'ben', role: 'child', password: PASSWORD, scopes: ['text:read'] })
    const { code } = await hub.people.pair(mia.id, { scopes: ['text:read'], createdBy: 'owner', lifeMs: 60_000 })
    const browser = new TestBrowser()
    // With a password: what ben has, he may hand on whole.
    await hub.signInAs(browser, await browser.open(hub.authorizeUrl()), 'ben')
    const login = await browser.open(hub.authorizeUrl({ prompt: 'login' }))
    assert.equal((await sendOnly(browser, login, { how: 'code', code })).status, 200)
    const consent = await browser.open(hub.authorizeUrl({ scope: 'text:read text:write' }))
    assert.match(consent.text, /mia/)
    assert.doesNotMatch(consent.text, /name="scope" value="text:write"/)
    assert.match(consent.text, /name="scope" value="text:read"/)
  })

  test('a code that somebody made themselves, or a login that was stolen from them, sets no other password', async (t) => {
    const hub = await startFlow(t)
    const { id } = await hub.addMia()
    const { code } = await hub.people.pair(id, { createdBy: id, lifeMs: 60_000 })
    const browser = new TestBrowser()
    const paired = await browser.submit(await browser.open(`${hub.origin}/pair`), [
      ['how', 'code'],
      ['code', code],
    ])
    assert.match(paired.text, /Paired/)
    assert.doesNotMatch(paired.text, /ticket/)
  })

  test('the page to choose a password is good for one password', async (t) => {
    const hub = await startFlow(t)
    const { id } = await hub.people.add({ name: 'ben', role: 'adult' })
    const { code } = await hub.people.pair(id, { createdBy: 'owner', lifeMs: 60_000 })
    const browser = new TestBrowser()
    const hello = await browser.submit(await browser.open(`${hub.origin}/pair`), [
      ['how', 'code'],
      ['code', code],
    ])
    const ticket = /name="ticket"\s+value="([^"]+)"/.exec(hello.text)?.[1] ?? ''
    const choose = (password: string) =>
      browser.submit(hello, [
        ['how', 'password'],
        ['ticket', ticket],
        ['password', password],
        ['again', password],
      ])
    assert.equal((await choose(PASSWORD)).response.status, 200)
    assert.equal((await choose('somebody who found the page')).response.status, 401)
    assert.equal((await hub.people.login('ben', PASSWORD, { via: 'rest' })).id, id)
  })

  test('somebody else signs in where somebody is signed in, and goes on', async (t) => {
    const hub = await startFlow(t)
    await hub.addMia(['text:read', 'text:write'])
    await hub.people.add({ name: 'ben', role: 'child', password: PASSWORD, scopes: ['text:read'] })
    const browser = new TestBrowser()
    await hub.signInAs(browser, await browser.open(hub.authorizeUrl()), 'ben')
    const login = await browser.open(hub.authorizeUrl({ prompt: 'login' }))
    const consent = await hub.signInAs(browser, login, 'mia')
    const back = await hub.allow(browser, consent, 'text:read')
    const { body } = await hub.redeem(new URL(back.url).searchParams.get('code') ?? '')
    assert.equal((await hub.whoIs(body['access_token'])).name, 'mia')
  })
})

suite('the page says where a client is let in', () => {
  const asked: [what: string, resources: (origin: string) => string[], says: RegExp][] = [
    ['a profile', (origin) => [`${origin}/mcp/kids`], /the profile kids</],
    ['a profile, with a slash', (origin) => [`${origin}/mcp/kids/`], /the profile kids</],
    ['a profile and the hub', (origin) => [`${origin}/mcp/kids`, `${origin}/mcp`], /the whole hub/],
    ['the hub, written as if it were a profile', (origin) => [`${origin}/mcp/kids\\..`], /the whole hub/],
    ['two profiles', (origin) => [`${origin}/mcp/kids`, `${origin}/mcp/work`], /the profiles kids, work</],
  ]
  for (const [what, resources, says] of asked)
    test(what, async (t) => {
      const hub = await startFlow(t, { profiles: ['kids', 'work'] })
      await hub.addMia()
      const url = new URL(hub.authorizeUrl({ resource: undefined }))
      for (const resource of resources(hub.origin)) url.searchParams.append('resource', resource)
      const browser = new TestBrowser()
      const consent = await hub.signInAs(browser, await browser.open(url.href))
      assert.match(consent.text, says)
    })
})
