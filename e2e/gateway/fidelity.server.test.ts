import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { stdioUpstream } from '../../src/testing/upstreams/stdio-upstream.ts'
import type { TestHub } from '../support/hub.ts'
import { startHubWith } from '../support/servers.ts'

/** Arguments that no serialiser would write so: a number beyond doubles, an escape, spaces, the order of members. */
const ARGUMENTS = String.raw`{ "z":1.0, "big" : 12345678901234567890,"a":"\u0068\u00e9\/" , "text":"x", "10":[ ],"2":{ } }`
/** What the server writes into its result beside the text. */
const RESULT = String.raw`"big": 12345678901234567890, "one":1.0, "x-unknown" : {"\u0061":[ ]}`

const MODERN = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'e2e', version: '1' },
}

suite('what one side wrote reaches the other with the same bytes', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => {
    hub = await startHubWith(ending, () => ({ raw: stdioUpstream('raw') }))
  })
  after(ending.run)

  test('a client of 2025-11-25', async () => {
    const { response } = await post(
      hub,
      request('initialize', {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'e2e', version: '1' },
      }),
    )
    const session = {
      'mcp-session-id': response.headers.get('mcp-session-id') ?? '',
      'mcp-protocol-version': '2025-11-25',
    }
    await post(hub, '{"jsonrpc":"2.0","method":"notifications/initialized"}', session)
    const params = `{"name":"echo","_meta":{"x.example/keep":"\\u0061"},"arguments":${ARGUMENTS}}`
    const { body } = await post(hub, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":${params}}`, session)
    assertSame(body)
    assert.match(saidIn(body), /"x\.example\/keep":\s*"(\\u0061|a)"/)
  })

  test('a client of 2026-07-28', async () => {
    const params = `{"name":"echo","_meta":${JSON.stringify(MODERN)},"arguments":${ARGUMENTS}}`
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
    const { body } = await post(hub, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":${params}}`, headers)
    assertSame(body)
  })
})

function assertSame(body: string): void {
  assert.ok(saidIn(body).includes(ARGUMENTS), `what the server got:\n${saidIn(body)}`)
  assert.ok(body.includes(RESULT), `what the client got:\n${body}`)
}

/** The line that the server says it received. */
function saidIn(body: string): string {
  const { result } = JSON.parse(/\{.*\}/.exec(body)?.[0] ?? '{}') as { result?: { content: [{ text: string }] } }
  assert.ok(result, body)
  return result.content[0].text
}

const request = (method: string, params: object) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })

async function post({ urls, token }: TestHub, body: string, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(urls.mcp, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body,
  })
  return { response, body: await response.text() }
}
