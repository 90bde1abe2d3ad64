import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { callerWith, owner, testDoor, testHub } from '../../testing/hub.ts'
import { anonymous } from '../../kernel/caller.ts'
import type { PartReport } from '../../kernel/ports.ts'
import { getHealth, listServices } from './operations.ts'
import { worst } from './status.ts'

const parts: PartReport[] = [
  { name: 'store', needs: [], status: 'available', sinceMs: 0 },
  { name: 'mqtt', needs: ['store'], status: 'unavailable', sinceMs: 1000, reason: 'broker is down' },
]

function doorWith(reports: readonly PartReport[]) {
  const late = { now: () => 5000 } as Parameters<typeof listServices.bind>[0]
  const door = testDoor([getHealth, listServices].map((operation) => operation.bind(late)))
  Object.assign(late, { hub: testHub(door, { parts: () => reports }) })
  return door
}

suite('health', () => {
  test('anyone may see whether the hub is up', async () => {
    const output = await doorWith(parts).invoke({ operation: 'get_health', input: {}, caller: anonymous('rest') })
    assert.deepEqual(output, {
      status: 'degraded',
      uptime_seconds: 5,
      version: '1.2.3',
      parts: { store: 'available', mqtt: 'unavailable' },
    })
  })

  test('who may read it sees reasons and statistics', async () => {
    const door = doorWith(parts)
    await door.invoke({ operation: 'get_health', input: {}, caller: owner })
    const output = await door.invoke({
      operation: 'list_services',
      input: { status: 'unavailable' },
      caller: callerWith('health:read'),
    })
    assert.deepEqual(output, {
      services: [
        {
          name: 'mqtt',
          status: 'unavailable',
          since: '1970-01-01T00:00:01.000Z',
          reason: 'broker is down',
          needs: ['store'],
          operations: 0,
          calls: 0,
          errors: 0,
        },
      ],
    })
    await assert.rejects(door.invoke({ operation: 'list_services', input: {}, caller: anonymous('rest') }), {
      code: 'unauthenticated',
    })
  })

  for (const [statuses, expected] of [
    [[], 'available'],
    [['available', 'available'], 'available'],
    [['available', 'unknown'], 'unknown'],
    [['available', 'unavailable'], 'degraded'],
  ] as const)
    test(`[${statuses.join(', ')}] together are ${expected}`, () => assert.equal(worst(statuses), expected))
})
