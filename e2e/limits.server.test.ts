import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { after, before, suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { emptyHome, startHub, type TestHub } from './support/hub.ts'
import { startProgram, within } from './support/program.ts'

/** Oftener, and it would be the hub's own limit for a caller that is seen. */
const ASK_EVERY_MS = 15

const ATTACK = fileURLToPath(new URL('support/attack.ts', import.meta.url))

/** Attackers push out those who come from where they do: the clients here are somewhere else, on the same machine. */
const ELSEWHERE = '127.0.0.2'

/** What somebody else's client hears meanwhile, on a connection of its own each time. */
async function asked(
  hub: TestHub,
  path: string,
  method = 'POST',
): Promise<{ status: number | undefined; body: string }> {
  const headers = { authorization: `Bearer ${hub.token}`, 'content-type': 'application/json', connection: 'close' }
  const asking = request(`${hub.urls.http}${path}`, { method, headers, localAddress: ELSEWHERE, agent: false })
  asking.end(method === 'POST' ? '{}' : undefined)
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  return { status: response.statusCode, body: await text(response) }
}

async function refusals(hub: TestHub): Promise<Record<string, number>> {
  const { body } = await asked(hub, '/metrics', 'GET')
  const counted = body.matchAll(/^alicia_refused_total\{limit="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries([...counted].map(([, limit = '', times]) => [limit, Number(times)]))
}

suite('a hub that is attacked', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => (hub = await startHub(ending)))
  after(() => ending.run())

  /** Asks all the time while somebody attacks, until that many of the attacker's sockets were opened. */
  async function attacked(kind: string, sockets: number, until: (seen: Seen) => boolean): Promise<Seen> {
    const { port } = new URL(hub.urls.http)
    const attack = startProgram(process.execPath, [ATTACK, port, kind, String(sockets)], { env: { TOKEN: hub.token } })
    try {
      // What comes after the last line break may be half a line.
      const seen = (): Seen => JSON.parse(attack.stdout().split('\n').at(-2) ?? '{}') as Seen
      const enough = async () => {
        for (let answers = 0; !until(seen()) || answers < 10; answers++) {
          assert.equal((await asked(hub, '/api/health/list_services')).status, 200)
          await setTimeout(ASK_EVERY_MS)
        }
      }
      await within(enough(), `the hub under ${kind}`)
      return seen()
    } finally {
      attack.closeInput()
      await attack.end()
    }
  }

  const attacks: [kind: string, sockets: number, until: (seen: Seen) => boolean, limit: string | undefined][] = [
    ['silent', 10_000, ({ opened = 0 }) => opened > 10_000, 'half_open'],
    ['headers', 1500, ({ opened = 0 }) => opened > 2000, 'half_open'],
    ['body', 1500, ({ opened = 0 }) => opened > 2000, 'sockets'],
    ['pipeline', 20, ({ closed = 0 }) => closed > 40, 'pipelined'],
    ['large-headers', 50, ({ closed = 0 }) => closed > 100, 'header_bytes'],
    ['bomb', 4, ({ closed = 0 }) => closed >= 4, undefined],
    ['tokens', 50, ({ opened = 0 }) => opened >= 50, 'wrong_tokens'],
  ]
  for (const [kind, sockets, until, limit] of attacks)
    test(`answers others under ${kind} of ${sockets} sockets`, async () => {
      const before = await refusals(hub)
      const seen = await attacked(kind, sockets, until)
      assert.ok((seen.opened ?? 0) > 0)
      const now = await refusals(hub)
      if (limit !== undefined) assert.ok((now[limit] ?? 0) > (before[limit] ?? 0), JSON.stringify(now))
    })

  test('nothing of it fills the log', () => {
    const lines = hub
      .stderr()
      .split('\n')
      .filter((line) => line.includes('a limit was reached'))
    assert.ok(lines.length > 0 && lines.length < 20, `${lines.length} lines`)
  })
})

test('behind a trusted proxy, limits go by the address of the client, on every way in', async (t) => {
  const home = emptyHome(t)
  const config = join(home.folder, 'config.json')
  const limits = { addressCallsPerMinute: 2, operations: { 'health.*': { perMinute: 1 } } }
  writeFileSync(config, JSON.stringify({ trustedProxies: ['127.0.0.1'], limits }))
  const hub = await startHub(t, { home, args: ['--config', config] })
  const ask = async (operation: string, headers: Record<string, string>) => {
    const response = await fetch(`${hub.urls.http}/api/${operation}`, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${hub.token}`, 'content-type': 'application/json' },
      body: '{}',
    })
    const { details } = (await response.json()) as { details?: { limit?: string } }
    return [response.status, details?.limit, response.headers.get('ratelimit')?.split(';')[0]]
  }
  const mcp = async (headers: Record<string, string>) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} })
    const all = { ...headers, authorization: `Bearer ${hub.token}`, 'content-type': 'application/json' }
    return (await fetch(hub.urls.mcp, { method: 'POST', headers: all, body })).status
  }
  const via = (address: string) => ({ 'x-forwarded-for': `10.1.1.1, ${address}` })
  assert.deepEqual(await ask('mqtt/ping', via('203.0.113.1')), [200, undefined, '"caller"'])
  assert.deepEqual(await ask('health/list_services', via('203.0.113.1')), [200, undefined, '"caller"'])
  assert.deepEqual(await ask('mqtt/ping', via('203.0.113.1')), [429, 'address', '"address"'])
  assert.deepEqual(await ask('mqtt/ping', { forwarded: 'for="[2001:db8::1]:99"' }), [200, undefined, '"caller"'])
  assert.deepEqual(await ask('health/list_services', via('203.0.113.2')), [429, 'operation', '"operation"'])
  const both = { ...via('203.0.113.3'), forwarded: 'for=127.0.0.1' }
  assert.deepEqual([(await ask('mqtt/ping', both))[0], await mcp(both), await mcp(via('x'))], [400, 400, 400])
  assert.equal(await mcp(via('203.0.113.3')), 200)
  const upgrade = new WebSocket(hub.urls.mcp.replace('http', 'ws'), {
    headers: { ...both, authorization: `Bearer ${hub.token}` },
  })
  const [, refused] = (await once(upgrade, 'unexpected-response')) as [unknown, IncomingMessage]
  assert.equal(refused.statusCode, 400)
  refused.destroy()
})

interface Seen {
  readonly opened?: number
  readonly closed?: number
}
