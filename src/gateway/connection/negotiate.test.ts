import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import { RelayedError, RelayedResult } from '../../kernel/mcp/relayed.ts'
import { stdioUpstream } from '../../testing/upstreams/stdio-upstream.ts'
import { httpUpstream } from '../../testing/upstreams/http-upstream.ts'
import { ask, connected, http, memory, stdio } from './connecting.fixture.ts'
import type { EraVerdict } from './era.ts'
import { HttpRefusal } from './http-fault.ts'
import { negotiate } from './negotiate.ts'
import type { Wire } from './wire.ts'

type Outcome = object | Error | 'silence'

const DISCOVERED = {
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {} },
  _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'm' } },
}
const INITIALIZED = { protocolVersion: '2025-06-18', capabilities: { prompts: {} }, serverInfo: { name: 'l' } }
const error = (code: number, data?: unknown) =>
  new RelayedError('files', { code, message: 'No', ...(data !== undefined && { data }) })
const refusal = (status: number) => new HttpRefusal('files', status)
const ENDED = new Fault('unavailable', 'files: it ended.')

interface Scene {
  /** What each `server/discover` and `initialize` comes to, in order; the last goes on. */
  readonly discover: readonly Outcome[]
  readonly initialize?: readonly Outcome[]
  readonly known?: EraVerdict
  readonly pipe?: boolean
}

/** Negotiates with a server that answers in this way; what was asked of how many wires. */
async function play({ discover, initialize = [], known, pipe = false }: Scene) {
  const asked: string[] = []
  const clock = heldClock()
  const verdicts = new Map<string, EraVerdict>(known ? [['key', known]] : [])
  const left: Record<string, Outcome[]> = { 'server/discover': [...discover], initialize: [...initialize] }
  let closed = 0
  const open = (): Promise<Wire> => {
    asked.push('open')
    let ended = false
    return Promise.resolve({
      correlates: !pipe,
      running: 0,
      get ended() {
        return ended
      },
      agreed: () => {},
      listen: () => {},
      notify: (method) => Promise.resolve(void asked.push(method)),
      async request({ method, signal }) {
        asked.push(method)
        const outcomes = left[method] ?? []
        const outcome = (outcomes.length > 1 ? outcomes.shift() : outcomes[0]) ?? new Error(`unexpected ${method}`)
        if (outcome === ENDED) ended = true
        if (outcome instanceof Error) throw outcome
        if (outcome !== 'silence') return new RelayedResult(JSON.stringify(outcome))
        const silence = Promise.withResolvers<never>()
        signal.addEventListener('abort', () => silence.reject(signal.reason))
        if (asked.length === 2) setImmediate(() => clock.advance(2000))
        return await silence.promise
      },
      close: () => Promise.resolve(void closed++),
    })
  }
  const options = { name: 'files', face: { clientInfo: {}, capabilities: {} }, signal: new AbortController().signal }
  const result = await negotiate({
    ...options,
    clock,
    log: silentLog,
    eras: memory(verdicts),
    eraKey: 'key',
    open,
  }).catch((failure: unknown) => failure as Error)
  const verdict = verdicts.get('key')
  return {
    asked: asked.filter((method) => method !== 'notifications/initialized').join(' '),
    outcome: result instanceof Error ? result : result.agreement.revision,
    remembered: verdict && `${verdict.era}${verdict.atMs === clock.now() ? '' : ' of old'}`,
    closed,
  }
}

const now = heldClock().now()
const legacyOf = (ageMs: number): EraVerdict => ({ era: 'legacy', atMs: now - ageMs })
const HOUR = 3_600_000
const MODERN = '2026-07-28'
const LEGACY = '2025-06-18'

suite('which era a server is of', () => {
  for (const [title, scene, asked, outcome, remembered] of [
    ['modern', { discover: [DISCOVERED] }, 'open server/discover', MODERN, 'modern'],
    [
      'legacy',
      { discover: [error(-32601)], initialize: [INITIALIZED] },
      'open server/discover initialize',
      LEGACY,
      'legacy',
    ],
    [
      'legacy, in other words',
      { discover: [error(-32000)], initialize: [INITIALIZED] },
      'open server/discover initialize',
      LEGACY,
      'legacy',
    ],
    [
      'legacy, by a status',
      { discover: [refusal(400)], initialize: [INITIALIZED] },
      'open server/discover initialize',
      LEGACY,
      'legacy',
    ],
    [
      'knows the method, not the revision',
      { discover: [{ supportedVersions: ['2027-01-01'] }], initialize: [INITIALIZED] },
      'open server/discover initialize',
      LEGACY,
      'legacy',
    ],
    [
      'names an older revision',
      { discover: [error(-32022, { supported: ['2025-11-25'] })], initialize: [INITIALIZED] },
      'open server/discover initialize',
      LEGACY,
      'legacy',
    ],
    [
      'refuses what it names',
      { discover: [error(-32022, { supported: [MODERN] }), DISCOVERED] },
      'open server/discover server/discover',
      MODERN,
      'modern',
    ],
    [
      'initialize answers in the new one',
      { discover: [error(-32601)], initialize: [{ ...INITIALIZED, protocolVersion: MODERN }] },
      'open server/discover initialize',
      MODERN,
      'modern',
    ],
    [
      'trips over the question',
      { discover: [refusal(500)], initialize: [INITIALIZED] },
      'open server/discover initialize',
      LEGACY,
      undefined,
    ],
    [
      'ends at the question',
      { pipe: true, discover: [ENDED], initialize: [INITIALIZED] },
      'open server/discover open initialize',
      LEGACY,
      'legacy',
    ],
    [
      'says nothing to the question',
      { pipe: true, discover: ['silence'], initialize: [INITIALIZED] },
      'open server/discover initialize',
      LEGACY,
      'legacy',
    ],
    [
      'remembered as legacy',
      { discover: [], initialize: [INITIALIZED], known: legacyOf(HOUR) },
      'open initialize',
      LEGACY,
      'legacy of old',
    ],
    [
      'remembered, but upgraded',
      { discover: [DISCOVERED], initialize: [error(-32601)], known: legacyOf(HOUR) },
      'open initialize server/discover',
      MODERN,
      'modern',
    ],
    [
      'remembered for too long',
      { discover: [DISCOVERED], known: legacyOf(25 * HOUR) },
      'open server/discover',
      MODERN,
      'modern',
    ],
    [
      'remembered as modern, but is not',
      { discover: [error(-32601)], initialize: [INITIALIZED], known: { era: 'modern', atMs: 0 } },
      'open server/discover initialize',
      LEGACY,
      'legacy',
    ],
  ] as const satisfies readonly (readonly [string, Scene, string, string, string | undefined])[])
    test(title, async () => {
      const played = await play(scene)
      assert.deepEqual(played, { asked, outcome, remembered, closed: title === 'ends at the question' ? 1 : 0 })
    })

  for (const [title, failure] of [
    ['401', new Fault('unauthenticated', 'files wants a login.')],
    ['403', refusal(403)],
    ['429', refusal(429)],
    ['503', refusal(503)],
    ['a broken connection', new Fault('unavailable', 'files cannot be reached.')],
    ['a missing capability', error(-32021)],
  ] as const)
    test(`${title} says nothing of the era`, async () => {
      const played = await play({ discover: [failure], initialize: [INITIALIZED] })
      assert.deepEqual(played, { asked: 'open server/discover', outcome: failure, remembered: undefined, closed: 1 })
    })

  test('neither: the server’s own words are what is said', async () => {
    const first = error(-32601)
    const { outcome, closed } = await play({ discover: [first], initialize: [error(-32601)] })
    assert.deepEqual([outcome, closed], [first, 1])
  })

  for (const [behaviour, revision, spawns] of [
    ['honest', '2025-11-25', 1],
    ['honest-modern', MODERN, 1],
    ['honest-both', MODERN, 1],
    ['exits-on-discover', '2025-11-25', 2],
  ] as const)
    test(`a real process: ${behaviour}`, async (t) => {
      const { connection, spawned, eras } = await connected(t, stdio(stdioUpstream(behaviour)))
      assert.deepEqual([connection.revision, spawned.length], [revision, spawns])
      assert.equal([...eras.values()][0]?.era, revision === MODERN ? 'modern' : 'legacy')
    })

  test('what is remembered spares the question', async (t) => {
    const upstream = await httpUpstream(t, 'answers-json')
    const { eras } = await connected(t, http(upstream.url))
    const before = upstream.received.length
    const { connection } = await connected(t, http(upstream.url), { eras: memory(eras) })
    assert.match(await ask(connection, 'tools/list'), /echo/)
    assert.ok(upstream.received.slice(before).every(({ asked }) => asked?.method !== 'server/discover'))
  })
})
