import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthenticate } from '../../src/adapters/http/authenticate.ts'
import { openAuditLog } from '../../src/engines/audit/audit-log.ts'
import { newKey } from '../../src/engines/audit/chain-keys.ts'
import { openSqlite } from '../../src/engines/store/sqlite.ts'
import { noAudit, type Audit } from '../../src/kernel/audit.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createEvents } from '../../src/kernel/events.ts'
import { createIdentity, hashToken, type Holder } from '../../src/kernel/identity.ts'
import { openDoor, type Invoke } from '../../src/kernel/invoke.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { createPolicy, type Policy } from '../../src/kernel/policy.ts'
import { createRegistry } from '../../src/kernel/registry.ts'
import { temporaryFolder } from '../hub.ts'
import { CALLER, LAST, ping } from '../ping.ts'
import type { Row } from '../row.ts'
import { median } from '../statistics.ts'

const MOST_US = 60
const ROUNDS = 11
/** Few enough that the audit's memory holds them, and long enough to be timed. */
const CALLS = 5000
const KEY = newKey()
const TOKEN = 'a-personal-token-of-somebody-0123456789'
const ADDRESS = '192.0.2.7'
const HOLDER: Holder = {
  id: 'person-1',
  name: 'anna',
  role: 'adult',
  person: 'person-1',
  scopes: ['lamps:*', 'mqtt:read', 'bench:*'],
  credential: 'token-1',
}

/** Authentication, scope, three limits and audit together: the way to a trivial operation with them, and without. */
export const securityCost: Row = {
  tags: ['security', 'kernel', 'p50'],
  name: 'authentication, scope, limits and audit of a call',
  limit: `≤ ${MOST_US} µs`,
  async run() {
    const folder = temporaryFolder()
    const store = openSqlite({ file: join(folder, 'alicia.db'), log: silentLog })
    const audit = await openAuditLog({
      store,
      clock: systemClock,
      log: silentLog,
      keys: () => [KEY],
      retentionDays: 30,
    })
    try {
      const bare = openly()
      const secured = guarded(audit)
      const settle = () => audit.record(LAST)
      for (const call of [bare, secured]) await callUs(call, settle)
      const rounds: { bare: number; secured: number; waited: number }[] = []
      while (rounds.length < ROUNDS) {
        const without = await callUs(bare)
        // The writing belongs to it: the round ends when the last entry is on disk.
        const including = await callUs(secured, settle)
        rounds.push({ bare: without.meanUs, secured: including.meanUs, waited: including.p50Us - without.p50Us })
      }
      const costUs = median(rounds.map(({ bare: without, secured: including }) => including - without))
      const waitedUs = median(rounds.map(({ waited }) => waited))
      return {
        measured: `${costUs.toFixed(1)} µs`,
        reference: `${waitedUs.toFixed(1)} µs of it the caller waits for, p50; ${median(rounds.map((round) => round.bare)).toFixed(1)} µs without`,
        ok: costUs <= MOST_US,
        figures: { security_us: costUs, waited_p50_us: waitedUs },
      }
    } finally {
      await audit.close()
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

type Call = () => Promise<unknown>

/** Nobody is asked who they are and what they may, nothing is counted or written. */
function openly(): Call {
  const policy = createPolicy({ callsPerMinute: Number.POSITIVE_INFINITY, timeoutMs: 30_000 })
  const invoke = door(noAudit, { ...policy, authorize: () => {}, confine: () => {}, limit: () => {} })
  return () => invoke({ operation: 'bench.ping', input: {}, caller: CALLER })
}

/** As over HTTP: from the header on. */
function guarded(audit: Audit): Call {
  const often = { perMinute: 1e9, burst: 1e9 }
  const policy = createPolicy({
    callsPerMinute: 1e9,
    addressCallsPerMinute: 1e9,
    operations: { 'bench.*': often },
    timeoutMs: 30_000,
  })
  const invoke = door(audit, policy)
  const identity = createIdentity('the-owners-token')
  const known = new Map([[hashToken(TOKEN), HOLDER]])
  identity.addSource(({ hash }) => known.get(hash))
  const authenticate = createAuthenticate(identity)
  return async () => {
    const caller = await authenticate(`Bearer ${TOKEN}`, 'rest', { address: ADDRESS })
    return await invoke({ operation: 'bench.ping', input: {}, caller })
  }
}

function door(audit: Audit, policy: Policy): Invoke {
  const registry = createRegistry(createEvents(() => undefined))
  registry.add({ id: 'bench', kind: 'service', tools: [ping], report: () => ({ status: 'available', sinceMs: 0 }) })
  const metrics = createMetrics()
  return openDoor({ registry, policy, metrics, audit, clock: systemClock, log: silentLog, checkOutput: false }).invoke
}

async function callUs(call: Call, settle = () => Promise.resolve()): Promise<{ meanUs: number; p50Us: number }> {
  const waitsUs = new Float64Array(CALLS)
  const startMs = performance.now()
  for (let at = 0; at < CALLS; at++) {
    const beginMs = performance.now()
    await call()
    waitsUs[at] = (performance.now() - beginMs) * 1000
  }
  await settle()
  return { meanUs: ((performance.now() - startMs) * 1000) / CALLS, p50Us: median(waitsUs) }
}
