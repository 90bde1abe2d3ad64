import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { pkce } from '../../src/testing/oauth-browser.ts'
import { emptyHome, startHub, type TestHub } from '../support/hub.ts'
import { openBrowser } from '../support/person-with-browser.ts'

const PASSWORD = 'a long walk on the beach'

const TEXT = 'text/plain'
const FORM = 'application/x-www-form-urlencoded'

/** What a hostile page did, as its script saw it. */
type Seen = string

suite('pages of others, in the browser of somebody who is signed in', () => {
  const ending = cleanUps()
  let hub: TestHub
  let browser: Browser
  let page: Page
  let port = 0
  let consent = ''
  const shared = () => `http://shared.localhost:${port}`
  const elsewhere = () => `http://evil.localhost:${port}`
  /** Another program of the hub's own host. It may ask, as the hub's own page may (guard.ts), and its requests take cookies along. */
  const nextDoor = () => `http://127.0.0.1:${port}`

  before(async () => {
    const pages = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>x'))
    await once(pages.listen(0, '127.0.0.1'), 'listening')
    ending.after(() => {
      pages.closeAllConnections()
      pages.close()
    })
    port = (pages.address() as AddressInfo).port
    const home = emptyHome(ending)
    const config = join(home.folder, 'config.json')
    writeFileSync(config, JSON.stringify({ allowedOrigins: [shared()] }))
    hub = await startHub(ending, { home, args: ['--config', config] })
    await hub.result('people.add_person', { name: 'mia', role: 'adult', password: PASSWORD })
    browser = await openBrowser(ending)
    page = await (await browser.newContext()).newPage()
    consent = await signInAndStop()
  })
  after(() => ending.run())

  /** Mia is signed in, and asked whether a client may in; she has not answered yet. */
  async function signInAndStop(): Promise<string> {
    const redirect = `${shared()}/callback`.replace('shared.localhost', '127.0.0.1')
    const registered = await fetch(`${hub.urls.http}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: 'Client', redirect_uris: [redirect], token_endpoint_auth_method: 'none' }),
    })
    const { client_id: clientId } = (await registered.json()) as { client_id: string }
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirect,
      scope: 'mqtt:read',
      state: 'x',
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
      resource: hub.urls.mcp,
    })
    await page.goto(`${hub.urls.http}/oauth/authorize?${query.toString()}`)
    await page.getByLabel('Name').fill('mia')
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('button', { name: 'Let it in', exact: true }).waitFor()
    return page.url()
  }

  const open = new Map<string, Page>()

  /** A page of that origin, in the browser that mia is signed in with. */
  async function pageOf(origin: string): Promise<Page> {
    const other = open.get(origin) ?? (await page.context().newPage())
    open.set(origin, other)
    await other.goto(`${origin}/`)
    return other
  }

  /** Runs a script in a page of that origin, in the browser that mia is signed in with. */
  async function from(origin: string, script: (given: Given) => Promise<Seen>): Promise<Seen> {
    return await (await pageOf(origin)).evaluate(script, { ...hub.urls, token: hub.token })
  }

  interface Given {
    readonly http: string
    readonly mcp: string
    readonly token: string
  }

  type Attack = [attack: string, script: (given: Given) => Promise<Seen>, seen: Seen, ofTheSameHost?: Seen]
  const attacks: Attack[] = [
    [
      'calls with a stolen token',
      ({ http, token }) =>
        fetch(`${http}/api/people/add_person`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: '{"name":"eve","role":"owner"}',
        }).then(
          (response) => `read ${response.status}`,
          () => 'refused',
        ),
      'refused',
    ],
    [
      'reads with cookies',
      ({ http }) =>
        fetch(`${http}/oauth/apps`, { credentials: 'include' }).then(
          (response) => `read ${response.status}`,
          () => 'refused',
        ),
      'refused',
    ],
    [
      'asks the authorization server with cookies',
      ({ http }) =>
        fetch(`${http}/oauth/token`, {
          method: 'POST',
          credentials: 'include',
          body: new URLSearchParams({ a: 'b' }),
        }).then(
          (response) => `read ${response.status}`,
          () => 'refused',
        ),
      'refused',
    ],
    [
      'opens a WebSocket for MCP',
      ({ mcp }) =>
        new Promise((resolve) => {
          const socket = new WebSocket(mcp.replace('http', 'ws'), 'mcp')
          socket.addEventListener('open', () => resolve('open'))
          socket.addEventListener('error', () => resolve('refused'))
        }),
      'refused',
    ],
    [
      'opens a WebSocket for MQTT',
      ({ http }) =>
        new Promise((resolve) => {
          const socket = new WebSocket(`${http.replace('http', 'ws')}/mqtt`, 'mqtt')
          socket.addEventListener('open', () => resolve('open'))
          socket.addEventListener('error', () => resolve('refused'))
        }),
      'refused',
      // Who it is, MQTT itself asks.
      'open',
    ],
    [
      'listens to events',
      ({ http }) =>
        new Promise((resolve) => {
          const events = new EventSource(`${http}/sse`, { withCredentials: true })
          events.addEventListener('open', () => resolve('open'))
          events.addEventListener('error', () => resolve('refused'))
        }),
      'refused',
    ],
  ]
  for (const [attack, script, seen, ofTheSameHost = seen] of attacks)
    test(`a page that ${attack}: ${seen}`, async () => {
      assert.equal(await from(elsewhere(), script), seen)
      assert.equal(await from(nextDoor(), script), ofTheSameHost)
    })

  test('a page that runs what the hub says as a script: refused', async () => {
    for (const origin of [elsewhere(), nextDoor()]) {
      const other = await pageOf(origin)
      const seen = await other.evaluate(`new Promise((resolve) => {
        const script = document.createElement('script')
        script.src = '${hub.urls.http}/openapi.json'
        script.addEventListener('load', () => resolve('run'))
        script.addEventListener('error', () => resolve('refused'))
        document.head.append(script)
      })`)
      assert.equal(seen, 'refused', origin)
    }
  })

  test('a page of an origin that the configuration shares with is answered, with a token of its own', async () => {
    const [, script] = attacks[0] ?? assert.fail()
    const call = async ({ http, token }: Given) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const response = await fetch(`${http}/api/health/list_services`, { method: 'POST', headers, body: '{}' })
      return `read ${response.status}`
    }
    assert.equal(await from(shared(), call), 'read 200')
    assert.equal(await from(shared().replace('http://shared', 'http://other'), script), 'refused')
  })

  /** Sent without asking first (Fetch, "simple" requests): the answer cannot be read, but it has come. */
  const unasked: [attack: string, url: () => string, type: string, body: string, ofTheSameHost: number][] = [
    ['JSON as text', () => `${hub.urls.http}/api/people/add_person`, TEXT, '{"name":"eve","role":"owner"}', 415],
    ['JSON as a form', () => `${hub.urls.http}/api/people/add_person`, FORM, '{"name":"eve","role":"owner"}', 415],
    ['an MCP message', () => hub.urls.mcp, TEXT, '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}', 401],
    ['a consent', () => consent, FORM, 'answer=allow&scope=mqtt:read', 403],
    ['a consent as text', () => consent, TEXT, 'answer=allow&scope=mqtt:read', 403],
    ['a pairing code', () => `${hub.urls.http}/pair`, FORM, 'how=code&code=ABCD-EFGH', 403],
    ['the end of a connection', () => `${hub.urls.http}/oauth/apps`, FORM, 'grant=x', 403],
  ]
  for (const [attack, urlOf, type, body, ofTheSameHost] of unasked)
    test(`a page that sends ${attack} without asking: refused`, async () => {
      for (const [origin, status] of [
        [elsewhere(), 403],
        [nextDoor(), ofTheSameHost],
      ] as const) {
        const other = await pageOf(origin)
        const url = urlOf()
        const answered = other.waitForResponse((response) => response.url() === url)
        const init = {
          method: 'POST',
          mode: 'no-cors',
          credentials: 'include',
          headers: { 'content-type': type },
          body,
        }
        await other.evaluate(`fetch('${url}', ${JSON.stringify(init)}).then(() => undefined)`)
        assert.equal((await answered).status(), status, origin)
      }
    })

  test('a form that a page sends by itself: 403', async () => {
    for (const origin of [elsewhere(), nextDoor()])
      for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data']) {
        const other = await pageOf(origin)
        const answered = other.waitForResponse((response) => response.url() === consent)
        const fields = '<input name="answer" value="allow"><input name="scope" value="mqtt:read">'
        await other.setContent(`<form method="post" enctype="${type}" action="${consent}">${fields}</form>`)
        await other.evaluate('document.forms[0].submit()')
        assert.equal((await answered).status(), 403, `${origin} ${type}`)
        // The next page is not opened before this one is there.
        await other.waitForURL(consent)
      }
  })

  test('nothing of the hub can be framed (clickjacking)', async () => {
    for (const path of ['/', '/pair', '/oauth/apps', '/oauth/callback', new URL(consent).pathname]) {
      const other = await pageOf(nextDoor())
      const refused = other.waitForEvent('console', (message) => /frame-ancestors|X-Frame-Options/.test(message.text()))
      await other.evaluate(`document.body.innerHTML = '<iframe src="${hub.urls.http}${path}"></iframe>'`)
      await refused
    }
  })

  test('a page that opens the hub has no hold on it', async () => {
    const other = await pageOf(nextDoor())
    const opened = page.context().waitForEvent('page')
    await other.evaluate(`void window.open('${consent}')`)
    const popup = await opened
    await popup.waitForLoadState()
    assert.equal(await popup.evaluate('window.opener === null'), true)
    await popup.close()
  })

  test('a name that leads to the hub is no name of the hub (DNS rebinding)', async () => {
    const other = await page.context().newPage()
    const rebound = hub.urls.http.replace('127.0.0.1', 'evil.localhost')
    const answer = await other.goto(`${rebound}/`)
    assert.equal(answer?.status(), 403)
    const seen = await other.evaluate(async (token) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const statuses = await Promise.all(
        ['/api/health/list_services', '/mcp', '/oauth/token', '/oauth/register'].map(
          async (path) => (await fetch(path, { method: 'POST', headers, body: '{}' })).status,
        ),
      )
      return statuses.join()
    }, hub.token)
    assert.equal(seen, '403,403,403,403')
    await other.close()
  })

  test('a consent that is asked for by its address alone is not given', async () => {
    const other = await page.context().newPage()
    await other.goto(`${consent}?answer=allow&scope=mqtt:read`)
    await other.getByRole('button', { name: 'Let it in', exact: true }).waitFor()
    await other.close()
  })

  test('no script sees the cookies', async () => {
    assert.equal(await page.evaluate('document.cookie'), '')
    const cookies = await page.context().cookies()
    assert.ok(cookies.length > 0)
    for (const { name, httpOnly, sameSite } of cookies) assert.deepEqual([httpOnly, sameSite], [true, 'Lax'], name)
  })

  test('after all of it nobody was added, nothing was let in, and mia can still answer', async () => {
    const { people } = (await hub.result('people.list_people')) as { people: { name: string }[] }
    assert.deepEqual(
      people.map(({ name }) => name),
      ['mia'],
    )
    await page.goto(`${hub.urls.http}/oauth/apps`)
    assert.doesNotMatch((await page.textContent('main')) ?? '', /Client/)
    await page.goto(consent)
    const answered = page.waitForRequest((request) => request.url().includes('/callback?'))
    await page.getByRole('button', { name: 'Let it in', exact: true }).click()
    assert.ok(new URL((await answered).url()).searchParams.has('code'))
  })
})
