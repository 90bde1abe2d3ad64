import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../../kernel/fault.ts'
import { createLog, silentLog } from '../../kernel/log.ts'
import type { LoginAnswer } from '../../kernel/ports.ts'
import { loginCallback } from './callback.ts'

const ADDRESS = 'http://127.0.0.1:8123/oauth/callback'

async function open(query: string, finish: (answer: LoginAnswer) => Promise<string>, method = 'GET') {
  const response = await loginCallback(new Request(`${ADDRESS}${query}`, { method }), { finish, log: silentLog })
  return { status: response.status, headers: response.headers, html: await response.text() }
}

suite('the page after a login', () => {
  test('says that it worked, and gives on what came, once decoded', async () => {
    const seen: LoginAnswer[] = []
    const { status, html, headers } = await open(
      '?state=s&code=c%2B1&iss=https%3A%2F%2Fas.example%2F',
      async (answer) => {
        seen.push(answer)
        return 'notes'
      },
    )
    assert.equal(status, 200)
    assert.match(html, /Alicia may use notes for you now/)
    assert.deepEqual(seen, [{ state: 's', code: 'c+1', iss: 'https://as.example/' }])
    assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'sha256-[^']+';/)
    assert.equal(headers.get('referrer-policy'), 'no-referrer')
    assert.equal(headers.get('cache-control'), 'no-store')
  })

  test('says what went wrong and what to do, and runs nothing of it', async () => {
    const { status, html } = await open('?state=s&error=x', () =>
      Promise.reject(new Fault('forbidden', '<script>alert("1")</script>', { hint: "Begin & don't stop" })),
    )
    assert.equal(status, 403)
    assert.ok(!html.includes('<script'))
    assert.match(html, /&lt;script&gt;alert\(&quot;1&quot;\).*Begin &amp; don&#39;t stop/)
  })

  test('a defect is a reference, and its text stays in the log', async () => {
    const lines: string[] = []
    const log = createLog({ level: 'info', write: (line) => lines.push(line) })
    const finish = () => Promise.reject(new Error('token-SECRET'))
    const response = await loginCallback(new Request(`${ADDRESS}?state=s`), { finish, log })
    assert.equal(response.status, 500)
    assert.ok(!(await response.text()).includes('SECRET'))
    assert.match(lines.join(''), /a login failed/)
  })

  for (const [query, method, expected] of [
    ['', 'GET', 400],
    ['?code=c', 'GET', 400],
    ['?state=s&state=t', 'GET', 400],
    ['?state=s&iss=a&iss=b', 'GET', 400],
    ['?state=s&code=c', 'HEAD', 405],
    ['?state=s&code=c', 'POST', 405],
  ] as const)
    test(`${method} ${query} ends nothing`, async () => {
      const { status } = await open(query, () => assert.fail('it was ended'), method)
      assert.equal(status, expected)
    })
})
