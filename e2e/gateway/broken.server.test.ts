import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { httpUpstream, type HttpBehaviour } from '../../src/testing/upstreams/http-upstream.ts'
import { stdioUpstream, type StdioBehaviour } from '../../src/testing/upstreams/stdio-upstream.ts'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import type { TestHub } from '../support/hub.ts'
import { CLIENTS, textOf, type McpClient } from '../support/mcp-client.ts'
import { within } from '../support/program.ts'
import { allListed, startHubWithAny, type Servers } from '../support/servers.ts'

/** What never answers is given up soon; the others get time enough for a slow machine. */
const SETTINGS: Readonly<Record<string, object>> = {
  silent: { startTimeoutSeconds: 1 },
  hangs: { startTimeoutSeconds: 1 },
  'closes-stdin': { timeoutSeconds: 1 },
  'closes-stdout': { timeoutSeconds: 1 },
  'endless-line': { timeoutSeconds: 1 },
  'hangs-in-call': { timeoutSeconds: 1 },
}
const settingsOf = (behaviour: string): object => ({ patienceSeconds: 1, ...SETTINGS[behaviour] })

/** Servers that cannot be used, and the reason that people read. */
const DOWN_STDIO: Readonly<Record<string, RegExp>> = {
  'crashes-on-start': /exit code 3.*the database is locked/,
  'empty-initialize': /revision/,
  silent: /did not start within/,
  'wrong-revision': /1999-01-01/,
}
const DOWN_HTTP: Readonly<Record<string, RegExp>> = {
  'accepts-only': /202/,
  'cuts-json': /broke the connection/,
  'cuts-sse': /before it was whole/,
  'empty-body': /JSON/,
  'ends-sse-early': /before it was whole/,
  hangs: /did not start within/,
  'hangs-up': /broke the connection/,
  'huge-body': /more than \d+ bytes/,
  'no-json': /JSON/,
  redirects: /307/,
  'status-401': /login/,
  'status-404': /404/,
  'status-429': /429/,
  'status-500': /500/,
  'wrong-content-type': /text\/html/,
  'wrong-id': /JSON/,
}

/** Servers that start; what the first call of `echo` says, or the fault that names them. */
const UP_STDIO: Readonly<Record<string, readonly [amount: number, RegExp]>> = {
  honest: [0, /^hé$/],
  'honest-modern': [0, /^hé$/],
  'honest-both': [0, /^hé$/],
  'answers-twice': [0, /^hé$/],
  'changes-tools': [0, /^hé$/],
  'chatty-stderr': [2, /^hé$/],
  'closes-stdin': [0, /closes-stdin.*(timeout|unavailable)/],
  'closes-stdout': [0, /closes-stdout.*(timeout|unavailable)/],
  'crashes-in-call': [0, /crashes-in-call.*exit code 7.*unavailable/],
  'endless-line': [80, /endless-line.*(timeout|too_large|unavailable)/],
  'error-answers': [0, /-32050.*No\./],
  'exits-on-discover': [0, /^hé$/],
  'floods-logs': [2000, /^hé$/],
  garbage: [0, /^hé$/],
  'hangs-in-call': [0, /hangs-in-call.*timeout/],
  'huge-line': [65, /huge-line.*too_large/],
  'ignores-unknown': [0, /^hé$/],
  'slow-list': [300, /^hé$/],
  'split-writes': [0, /^hé$/],
  'starts-slowly': [300, /^hé$/],
  'wrong-ids': [0, /^hé$/],
}
const UP_HTTP: readonly HttpBehaviour[] = ['answers-json', 'answers-sse', 'answers-twice', 'loses-session', 'odd-sse']

const named = <Row>(table: Readonly<Record<string, Row>>): [string, Row][] =>
  Object.entries(table).map(([behaviour, row]) => [`http-${behaviour}`, row])

const DOWN = [...Object.entries(DOWN_STDIO), ...named(DOWN_HTTP)]
const UP = [...Object.entries(UP_STDIO), ...UP_HTTP.map((behaviour) => [`http-${behaviour}`, [0, /^hé$/]] as const)]

suite('a hub with servers that are broken in every way', () => {
  const ending = cleanUps()
  /** What came of starting each that cannot be used, and of calling each that can. */
  const refused = new Map<string, string>()
  const said = new Map<string, string>()
  let hub: TestHub
  let client: McpClient
  before(async () => {
    const http = await Promise.all(
      [...Object.keys(DOWN_HTTP), ...UP_HTTP].map(async (behaviour) => {
        const { url } = await httpUpstream(ending, behaviour as HttpBehaviour)
        return [`http-${behaviour}`, { url, ...settingsOf(behaviour) }] as const
      }),
    )
    const stdio = [...Object.keys(DOWN_STDIO), ...Object.keys(UP_STDIO)].map((name) => {
      const behaviour = name as StdioBehaviour
      const command = stdioUpstream(behaviour, { amount: UP_STDIO[behaviour]?.[0] ?? 0 })
      return [behaviour, { ...command, ...settingsOf(behaviour) }] as const
    })
    const servers: Servers = Object.fromEntries([...http, ...stdio])
    hub = await startHubWithAny(ending, () => servers)
    client = await CLIENTS['SDK v1'](ending, { url: hub.urls.mcp, token: hub.token })
    const names = UP.map(([name]) => name)
    await within(allListed(hub, names), 'the tools of the servers that work')
    await Promise.all([
      ...names.map(async (name) => said.set(name, await echo(client, name))),
      ...DOWN.map(async ([name]) => {
        const { body } = await hub.call('gateway.start_server', { name })
        refused.set(name, String(body['detail']))
      }),
    ])
  })
  after(ending.run)

  test('what works is offered, but for tools that changed since: they wait for a person', async () => {
    const names = (await client.list('tools')).map(({ name }) => name)
    assert.equal(names.filter((name) => name === 'echo' || name.endsWith('_echo')).length, UP.length - 1)
    const { held_tools: held } = await hub.result('gateway.inspect_server', { name: 'changes-tools' })
    assert.ok(Number(held) >= 3)
  })

  for (const [name, why] of DOWN)
    test(`${name} is down, and one can read why`, () => {
      assert.match(refused.get(name) ?? '', why)
      assert.match(refused.get(name) ?? '', new RegExp(name))
    })

  for (const [name, [, answer]] of UP) test(`a call of ${name}`, () => assert.match(said.get(name) ?? '', answer))

  test('after all this the others answer, and it is the same hub', async () => {
    assert.equal(await echo(client, 'honest'), 'hé')
    process.kill(hub.pid, 0)
  })
})

/** What the server's `echo` says: its text, or the fault. The first of many equal names has no prefix. */
async function echo(client: McpClient, server: string): Promise<string> {
  const names = (await client.list('tools')).map(({ name }) => name)
  const name = names.find((tool) => tool === `${server}_echo`) ?? 'echo'
  try {
    return textOf(await client.call(name, { text: 'hé' }))
  } catch (error) {
    return String(error)
  }
}
