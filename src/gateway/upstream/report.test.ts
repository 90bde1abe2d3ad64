import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { createGroup } from '../../kernel/resilience/group.ts'
import type { Connection } from '../connection/connection.ts'
import type { LifeState } from '../life/state.ts'
import { definitionWith } from './definition.fixture.ts'
import type { Instance } from './instance.ts'
import { NO_LISTS } from './listed.ts'
import { serverReport } from './report.ts'

const READY: LifeState = { is: 'ready', sinceMs: 0 }

/** What a report needs to know of a replica. */
const replica = (state: LifeState, probedAtMs?: number) =>
  ({
    id: 'up',
    reached: 'x',
    restarts: 0,
    life: { state, probedAtMs },
    relay: { leases: () => 0 },
    current() {},
  }) as unknown as Instance

const reportOf = (...instances: Instance[]) =>
  serverReport({
    definition: definitionWith({}),
    group: createGroup<Connection>({
      name: 'up',
      members: [],
      strategy: 'round_robin',
      limits: { concurrency: 1, queue: 1 },
      clock: heldClock(),
    }),
    instances,
    lists: NO_LISTS,
    tools: 0,
    held: 0,
    interactive: false,
  })

suite('report of a server', () => {
  test('when it was last asked how it is: the latest of its replicas', () => {
    assert.equal(reportOf(replica(READY, 2000), replica(READY), replica(READY, 3000)).probedAtMs, 3000)
    assert.ok(!('probedAtMs' in reportOf(replica(READY))))
  })
})
