import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { createGroup } from '../../kernel/resilience/group.ts'
import type { Connection } from '../connection/connection.ts'
import { definitionWith } from './definition.fixture.ts'
import type { Instance } from './instance.ts'
import { NO_LISTS } from './listed.ts'
import { serverReport } from './report.ts'

/** What a report needs to know of a replica. */
const replica = (more: Partial<Instance['life']>) =>
  ({
    id: 'up',
    reached: 'x',
    restarts: 0,
    life: { state: { is: 'ready', sinceMs: 0 }, ...more },
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
    const never = replica({})
    assert.equal(reportOf(replica({ probedAtMs: 2000 }), never, replica({ probedAtMs: 3000 })).probedAtMs, 3000)
    assert.ok(!('probedAtMs' in reportOf(never)))
  })

  test('what it waits for', () => {
    assert.equal(reportOf(replica({}), replica({ waitsFor: 'a is down' })).waitsFor, 'a is down')
    assert.ok(!('waitsFor' in reportOf(replica({}))))
  })
})
