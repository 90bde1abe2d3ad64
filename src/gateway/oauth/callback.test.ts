import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { Fault } from '../../kernel/fault.ts'
import { createLog, silentLog } from '../../kernel/log.ts'
import type { LoginAnswer } from '../../kernel/ports.ts'
import { listen } from '../../testing/http-server.ts'
import { loginCallback, type CallbackOptions } from './callback.ts'

/** Asks the page; what it must not be asked for fails the test. */
async function open(t: TestContext, query: string, options: Partial<CallbackOptions>, method = 'GET') {
  const origin = await listen(t, (request, response) =>
    loginCallback(request, response, {
      waiting: () => undefined,
      visitor: () => assert.fail('nobody has to sign in'),
      finish: () => assert.fail('it was ended'),
      onStranger: () => assert.fail('there was no stranger'),
      log: silentLog,
      ...options,
    }),
  )
  const response = await fetch(`${origin}/oauth/callback${query}`, { method })
  return { status: response.status, headers: response.headers, html: await response.text() }
}

suite('the page after a login', () => {
  test('says that it worked, and gives on what came, once decoded', async (t) => {
    const seen: LoginAnswer[] = []
    const { status, html, headers } = await open(t, '?state=s&code=c%2B1&iss=https%3A%2F%2Fas.example%2F', {
      async finish(answer) {
        seen.push(answer)
        return 'notes'
      },
    })
    assert.equal(status, 200)
    assert.match(html, /Alicia may use notes for you now/)
    assert.deepEqual(seen, [{ state: 's', code: 'c+1', iss: 'https://as.example/' }])
    assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'sha256-[^']+';/)
    assert.equal(headers.get('referrer-policy'), 'no-referrer')
    assert.equal(headers.get('cache-control'), 'no-store')
  })

  test('says what went wrong and what to do, and runs nothing of it', async (t) => {
    const { status, html } = await open(t, '?state=s&error=x', {
      finish: () =>
        Promise.reject(new Fault('forbidden', '<script>alert("1")</script>', { hint: "Begin & don't stop" })),
    })
    assert.equal(status, 403)
    assert.ok(!html.includes('<script'))
    assert.match(html, /&lt;script&gt;alert\(&quot;1&quot;\).*Begin &amp; don&#39;t stop/)
  })

  test('a defect is a reference, and its text stays in the log', async (t) => {
    const lines: string[] = []
    const log = createLog({ level: 'info', write: (line) => lines.push(line) })
    const finish = () => Promise.reject(new Error('token-SECRET'))
    const { status, html } = await open(t, '?state=the-state&code=the-code', { finish, log })
    assert.equal(status, 500)
    assert.ok(!html.includes('SECRET'))
    assert.match(lines.join(''), /a login failed/)
    assert.doesNotMatch(lines.join(''), /the-state|the-code/)
  })

  test('too many requests say when to come again', async (t) => {
    const { status, headers } = await open(t, '?state=s&code=c', {
      waiting: () => ({ server: 'notes', account: 'ada' }),
      visitor: () => Promise.reject(new Fault('rate_limited', 'Too many.', { retryAfterMs: 1500 })),
    })
    assert.deepEqual([status, headers.get('retry-after')], [429, '2'])
  })

  for (const [query, method, expected] of [
    ['', 'GET', 400],
    ['?code=c', 'GET', 400],
    ['?state=s&state=t', 'GET', 400],
    ['?state=s&iss=a&iss=b', 'GET', 400],
    ['?state=s&code=c', 'HEAD', 405],
    ['?state=s&code=c', 'PUT', 405],
    ['?code=c', 'POST', 400],
  ] as const)
    test(`${method} ${query} ends nothing`, async (t) => {
      const { status } = await open(t, query, {}, method)
      assert.equal(status, expected)
    })
})

suite('who ends a login', () => {
  const login = { server: 'notes', account: 'ada' }

  test('its person, who is asked to sign in with the server’s name and no other', async (t) => {
    const ended: unknown[] = []
    const { status } = await open(t, '?state=s&code=c', {
      waiting: (state) => (state === 's' ? login : undefined),
      async visitor(_request, _response, reason) {
        assert.match(reason, /notes/)
        assert.doesNotMatch(reason, /ada/)
        return 'ada'
      },
      async finish({ state }, _signal, account) {
        ended.push([state, account])
        return 'notes'
      },
    })
    assert.equal(status, 200)
    assert.deepEqual(ended, [['s', 'ada']])
  })

  for (const [method, waiting] of [
    ['GET', login],
    ['POST', login],
    ['POST', { server: 'notes' }],
    ['POST', undefined],
  ] as const)
    test(`${method} of a browser that has to sign in first uses up nothing of ${JSON.stringify(waiting)}`, async (t) => {
      const { status, html } = await open(
        t,
        '?state=s&code=c',
        {
          waiting: () => waiting,
          async visitor(_request, response) {
            response.writeHead(200).end('who are you?')
            return undefined
          },
        },
        method,
      )
      assert.deepEqual([status, html], [200, 'who are you?'])
    })

  test('somebody else is told of, and shown to whatever ends it', async (t) => {
    const told: unknown[] = []
    const { status } = await open(t, '?state=s&code=c', {
      waiting: () => login,
      visitor: async () => 'bea',
      onStranger: (...stranger) => told.push(stranger),
      async finish(_answer, _signal, account) {
        throw new Fault('forbidden', `not ${account}`)
      },
    })
    assert.equal(status, 403)
    assert.deepEqual(told, [[login, 'bea']])
  })

  for (const [what, query, waiting] of [
    ['an answer without a code', '?state=s&error=access_denied', login],
    ['what the owner’s own token began', '?state=s&code=c', { server: 'notes' }],
  ] as const)
    test(`${what} needs nobody to sign in`, async (t) => {
      const finish = async (_answer: LoginAnswer, _signal: AbortSignal, account?: string) => {
        assert.equal(account, undefined)
        return 'notes'
      }
      assert.equal((await open(t, query, { waiting: () => waiting, finish })).status, 200)
    })
})
