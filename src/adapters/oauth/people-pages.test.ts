import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { TestBrowser } from '../../testing/oauth-browser.ts'
import { startFlow } from './flow.fixture.ts'

const NEW_PASSWORD = 'seven grey geese fly home'

suite('pages for people', () => {
  test('a pairing code signs a browser in, and its person chooses a password', async (t) => {
    const hub = await startFlow(t)
    const { id } = await hub.people.add({ name: 'ben', role: 'adult' })
    const { code } = await hub.people.pair(id, { createdBy: 'owner', lifeMs: 60_000 })
    const browser = new TestBrowser()
    const page = await browser.open(`${hub.origin}/pair`)
    const hello = await browser.submit(page, [
      ['how', 'code'],
      ['code', code],
    ])
    assert.match(hello.text, /Hello, ben/)
    const ticket = /name="ticket"\s+value="([^"]+)"/.exec(hello.text)?.[1] ?? ''
    const choose = (password: string, again: string, own = ticket) =>
      browser.submit(hello, [
        ['how', 'password'],
        ['ticket', own],
        ['password', password],
        ['again', again],
      ])
    assert.match((await choose(NEW_PASSWORD, 'other')).text, /not the same/)
    assert.equal((await choose('short', 'short')).response.status, 400)
    assert.equal((await choose(NEW_PASSWORD, NEW_PASSWORD, 'v1.made.up')).response.status, 401)
    assert.match((await choose(NEW_PASSWORD, NEW_PASSWORD)).text, /The password is set/)
    assert.equal((await hub.people.login('ben', NEW_PASSWORD, { via: 'rest' })).id, id)
    assert.deepEqual(
      hub.notes.map(({ kind, who }) => [kind, who?.id]),
      [
        ['login.succeeded', id],
        ['password.set', id],
      ],
    )
    assert.match((await browser.open(`${hub.origin}/oauth/apps`)).text, /Signed in as ben/)
    const again = await browser.submit(page, [
      ['how', 'code'],
      ['code', code],
    ])
    assert.equal(again.response.status, 401, 'a code is good once')
  })

  test('a code for less than its person may sets no password', async (t) => {
    const hub = await startFlow(t)
    const { id } = await hub.addMia()
    const { code } = await hub.people.pair(id, { scopes: ['text:read'], createdBy: 'owner', lifeMs: 60_000 })
    const browser = new TestBrowser()
    const paired = await browser.submit(await browser.open(`${hub.origin}/pair`), [
      ['how', 'code'],
      ['code', code],
    ])
    assert.match(paired.text, /Paired/)
    assert.doesNotMatch(paired.text, /ticket/)
  })

  test('people see what they let in, and end it', async (t) => {
    const hub = await startFlow(t)
    await hub.addMia()
    const browser = new TestBrowser()
    const { body } = await hub.redeem((await hub.logIn(browser)).get('code') ?? '')
    const list = await browser.open(`${hub.origin}/oauth/apps`)
    assert.match(list.text, /Test client/)
    assert.match(list.text, /text:read/)
    const grant = /name="grant"\s+value="([^"]+)"/.exec(list.text)?.[1] ?? ''
    const stranger = new TestBrowser()
    const login = await stranger.open(`${hub.origin}/oauth/apps`)
    assert.doesNotMatch(login.text, /Test client/)
    await hub.people.add({ name: 'ben', role: 'guest', password: NEW_PASSWORD, scopes: ['text:read'] })
    const bens = await hub.signInAs(stranger, login, 'ben', NEW_PASSWORD)
    assert.match(bens.text, /None has been let in/)
    await hub.allow(stranger, await stranger.open(hub.authorizeUrl()), 'text:read')
    await stranger.submit(await stranger.open(`${hub.origin}/oauth/apps`), [['grant', grant]])
    await hub.whoIs(body['access_token'])
    assert.match((await browser.submit(list, [['grant', grant]])).text, /None has been let in/)
    await assert.rejects(hub.whoIs(body['access_token']), { code: 'unauthenticated' })
    assert.equal((await hub.refresh(body['refresh_token'])).body['error'], 'invalid_grant')
  })

  test('a login that is ended elsewhere, and a person who goes, take what they let in along', async (t) => {
    const hub = await startFlow(t)
    const { id } = await hub.addMia()
    const first = await hub.redeem((await hub.logIn()).get('code') ?? '')
    const { credential = '' } = await hub.whoIs(first.body['access_token'])
    await hub.logins.end(credential)
    assert.equal((await hub.refresh(first.body['refresh_token'])).body['error'], 'invalid_grant')
    const second = await hub.redeem((await hub.logIn()).get('code') ?? '')
    await hub.people.remove(id)
    await assert.rejects(hub.whoIs(second.body['access_token']), { code: 'unauthenticated' })
    assert.equal((await hub.refresh(second.body['refresh_token'])).body['error'], 'invalid_grant')
  })

  test('logging out everywhere ends programs and browsers too', async (t) => {
    const hub = await startFlow(t)
    const { id } = await hub.addMia()
    const browser = new TestBrowser()
    const { body } = await hub.redeem((await hub.logIn(browser)).get('code') ?? '')
    assert.match((await browser.open(`${hub.origin}/oauth/apps`)).text, /Test client/)
    await hub.logins.endAllOf(id)
    await assert.rejects(hub.whoIs(body['access_token']), { code: 'unauthenticated' })
    assert.equal((await hub.refresh(body['refresh_token'])).body['error'], 'invalid_grant')
    assert.match((await browser.open(`${hub.origin}/oauth/apps`)).text, /name="password"/)
    const again = await hub.redeem((await hub.logIn()).get('code') ?? '')
    await hub.whoIs(again.body['access_token'])
  })

  test('a new password ends what programs were let in with before, in the same second too', async (t) => {
    const hub = await startFlow(t)
    const { id } = await hub.addMia()
    const { body } = await hub.redeem((await hub.logIn()).get('code') ?? '')
    const { credential } = await hub.whoIs(body['access_token'])
    const ended = new Promise<unknown>((resolve) => {
      hub.events.on('access.ended', (event) => {
        if ('credential' in event) resolve(event.credential)
      })
    })
    await hub.people.setPassword(id, NEW_PASSWORD)
    assert.equal(await ended, credential)
    await assert.rejects(hub.whoIs(body['access_token']), { code: 'unauthenticated' })
    assert.equal((await hub.refresh(body['refresh_token'])).body['error'], 'invalid_grant')
  })

  test('without people the page asks for the hub’s own token first', async (t) => {
    const hub = await startFlow(t)
    const before = await new TestBrowser().open(hub.authorizeUrl())
    assert.doesNotMatch(before.text, /name="password"/)
    await hub.addMia()
    const after = await new TestBrowser().open(hub.authorizeUrl())
    assert.match(after.text, /name="password"/)
  })
})
