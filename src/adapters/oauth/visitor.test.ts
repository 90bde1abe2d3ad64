import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { toFault } from '../../kernel/fault.ts'
import { OWNER_TOKEN, startAuthorization, type TestAuthorization } from '../../testing/authorization.ts'
import { listen } from '../../testing/http-server.ts'
import { TestBrowser, withoutRandom } from '../../testing/oauth-browser.ts'

const PASSWORD = 'a long walk on the beach'

/** A page of the hub that is none of the authorization server's, and says who has come; with somebody called mia. */
async function start(t: TestContext) {
  let hub: TestAuthorization | undefined
  const origin = await listen(t, async (request, response) => {
    try {
      const account = await hub?.server.visitor(request, response, 'A login at <notes> was begun here.')
      if (account !== undefined) response.end(`account ${account}`)
    } catch (error) {
      const { status, message } = toFault(error, () => undefined)
      response.writeHead(status).end(message)
    }
  })
  hub = await startAuthorization(t, { tools: [], publicOrigin: origin })
  const { id } = await hub.people.add({ name: 'mia', role: 'adult', password: PASSWORD })
  return { hub, id, origin, url: `${origin}/page?state=s%26&code=c%22` }
}

const fields = (password = PASSWORD) =>
  [
    ['how', 'password'],
    ['name', 'mia'],
    ['password', password],
  ] as const

suite('who has come to a page of the hub', () => {
  test('whoever is not signed in is asked to, and comes back to the same address', async (t) => {
    const { hub, id, url } = await start(t)
    const browser = new TestBrowser()
    const page = await browser.open(url)
    assert.equal(page.response.status, 200)
    assert.match(page.text, /A login at &lt;notes&gt; was begun here\. First: who are you\?/)
    assert.doesNotMatch(withoutRandom(page.text), /mia/)
    assert.equal(page.response.headers.get('cache-control'), 'no-store')
    assert.match(page.response.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)

    const wrong = await browser.submit(page, fields('another walk on the beach'))
    assert.equal(wrong.response.status, 401)
    assert.match(wrong.text, /role="alert"/)
    const back = await browser.submit(wrong, fields())
    assert.deepEqual([back.url, back.text], [url, `account ${id}`])
    assert.equal((await browser.open(url)).text, `account ${id}`, 'once is enough')
    assert.deepEqual(
      hub.notes.map(({ kind, who }) => [kind, who?.name]),
      [
        ['login.failed', 'mia'],
        ['login.succeeded', 'mia'],
      ],
    )
    assert.doesNotMatch(hub.lines.join(''), /code=c/)
  })

  test('the hub’s own token signs its owner in', async (t) => {
    const { url } = await start(t)
    const browser = new TestBrowser()
    const back = await browser.submit(await browser.open(url), [
      ['how', 'token'],
      ['token', OWNER_TOKEN],
    ])
    assert.equal(back.text, 'account owner')
  })

  test('who was disabled meanwhile is not signed in any more', async (t) => {
    const { hub, id, url } = await start(t)
    const browser = new TestBrowser()
    await browser.submit(await browser.open(url), fields())
    await hub.people.change(id, { isDisabled: true })
    assert.match((await browser.open(url)).text, /First: who are you/)
  })

  test('a form of another page, site or address signs nobody in', async (t) => {
    const { url } = await start(t)
    const browser = new TestBrowser()
    const page = await browser.open(url)
    for (const [sent, headers] of [
      [page, { origin: 'https://evil.example' }],
      [page, { origin: 'null' }],
      [page, { 'sec-fetch-site': 'cross-site' }],
      [{ ...page, url: `${url}2` }, {}],
      [{ ...page, text: '' }, {}],
    ] as const)
      assert.equal((await browser.submit(sent, fields(), headers)).response.status, 403)
    assert.match((await browser.open(url)).text, /First: who are you/)
  })

  test('at another name of the hub the browser is moved to that of its cookies', async (t) => {
    const { origin, url } = await start(t)
    const elsewhere = url.replace('127.0.0.1', 'localhost')
    const moved = await fetch(elsewhere, { redirect: 'manual' })
    assert.deepEqual([moved.status, moved.headers.get('location')], [307, url])
    const posted = await fetch(elsewhere, {
      method: 'POST',
      headers: { origin },
      body: new URLSearchParams(fields().map(([name, value]) => [name, value])),
    })
    assert.equal(posted.status, 403)
  })

  test('pages are counted with the others of the authorization server', async (t) => {
    const { url } = await start(t)
    const statuses = new Set<number>()
    for (let count = 0; count < 600 && !statuses.has(429); count++) {
      const response = await fetch(url)
      statuses.add(response.status)
      await response.arrayBuffer()
    }
    assert.deepEqual([...statuses], [200, 429])
  })
})
