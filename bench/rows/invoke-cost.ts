import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openAuditLog } from '../../src/engines/audit/audit-log.ts'
import { newKey } from '../../src/engines/audit/chain-keys.ts'
import { openSqlite } from '../../src/engines/store/sqlite.ts'
import { noAudit, type Audit } from '../../src/kernel/audit.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createEvents } from '../../src/kernel/events.ts'
import { openDoor, type Invoke } from '../../src/kernel/invoke.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { createPolicy } from '../../src/kernel/policy.ts'
import { createRegistry } from '../../src/kernel/registry.ts'
import { temporaryFolder } from '../hub.ts'
import { CALLER, LAST, ping } from '../ping.ts'
import type { Row } from '../row.ts'
import { median } from '../statistics.ts'

const ROUNDS = 9
/** Few enough that the audit's memory holds them, and long enough to be timed. */
const CALLS = 5000
const KEY = newKey()
const chainKeys = () => [KEY]

/** What a call costs in this process, and what its parts add to that. */
export const invokeCost: Row = {
  tags: ['invoke', 'kernel', 'audit'],
  name: 'invoke of a trivial operation, in process',
  limit: '–',
  async run() {
    const folder = temporaryFolder()
    const store = openSqlite({ file: join(folder, 'alicia.db'), log: silentLog })
    const audit = await openAuditLog({ store, clock: systemClock, log: silentLog, keys: chainKeys, retentionDays: 30 })
    try {
      const doors = { bare: door(noAudit, false), checked: door(noAudit, true), audited: door(audit, false) }
      for (const invoke of Object.values(doors)) await callUs(invoke, () => audit.record(LAST))
      const rounds: Record<keyof typeof doors, number>[] = []
      while (rounds.length < ROUNDS)
        rounds.push({
          bare: await callUs(doors.bare),
          checked: await callUs(doors.checked),
          // The writing belongs to it: the round ends when the last entry is on disk.
          audited: await callUs(doors.audited, () => audit.record(LAST)),
        })
      const us = (key: keyof typeof doors) => median(rounds.map((round) => round[key]))
      const [bare, checks, writes] = [us('bare'), us('checked') - us('bare'), us('audited') - us('bare')]
      return {
        measured: `${bare.toFixed(1)} µs`,
        reference: `audit ${signed(writes)} µs, output check ${signed(checks)} µs`,
        figures: { invoke_us: bare, audit_us: writes, output_check_us: checks },
      }
    } finally {
      await audit.close()
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

function door(audit: Audit, checkOutput: boolean): Invoke {
  const registry = createRegistry(createEvents(() => undefined))
  registry.add({ id: 'bench', kind: 'service', tools: [ping], report: () => ({ status: 'available', sinceMs: 0 }) })
  const policy = createPolicy({ callsPerMinute: 1_000_000_000, timeoutMs: 30_000 })
  const metrics = createMetrics()
  return openDoor({ registry, policy, metrics, audit, clock: systemClock, log: silentLog, checkOutput }).invoke
}

const signed = (us: number) => `${us < 0 ? '−' : '+'}${Math.abs(us).toFixed(1)}`

async function callUs(invoke: Invoke, settle = () => Promise.resolve()): Promise<number> {
  const startMs = performance.now()
  for (let count = 0; count < CALLS; count++) await invoke({ operation: 'bench.ping', input: {}, caller: CALLER })
  await settle()
  return ((performance.now() - startMs) * 1000) / CALLS
}
