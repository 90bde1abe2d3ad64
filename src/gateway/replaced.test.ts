import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldClock } from '../kernel/clock.ts'
import { silentLog } from '../kernel/log.ts'
import { testDoor } from '../testing/hub.ts'
import { testConnection } from '../testing/relay.ts'
import { createGateway, type GatewayOptions } from './gateway.ts'
import { definitionWith } from './upstream/definition.fixture.ts'
import type { Connecting } from './upstream/parts.ts'

test('an old server is gone before a new one starts, however fast its definition changes', async () => {
  const door = testDoor([])
  const seen: string[] = []
  const gone = Promise.withResolvers<void>()
  const memory = { get: () => undefined, set: () => Promise.resolve() }
  const gateway = createGateway({
    ...door,
    clock: heldClock(),
    log: silentLog,
    memory,
    clientInfo: { name: 'alicia', title: 'Alicia', version: '0' },
    logins: { forget: () => {} },
    statusOf: () => undefined,
    async connect({ definition, handlers }: Connecting) {
      const { fingerprint } = definition
      seen.push(`${fingerprint} starts`)
      const connection = testConnection({ revision: '2025-11-25', serve: () => '{"tools":[]}' }, handlers)
      return {
        ...connection,
        async close() {
          await gone.promise
          seen.push(`${fingerprint} is gone`)
        },
      }
    },
  } as unknown as GatewayOptions)
  const apply = (fingerprint: string) => gateway.apply({ definitions: [definitionWith({ fingerprint })], unusable: [] })
  await apply('first')
  await new Promise(setImmediate)
  const changes = [apply('second'), apply('third')]
  await new Promise(setImmediate)
  assert.deepEqual(seen, ['first starts'])
  gone.resolve()
  await Promise.all(changes)
  await new Promise(setImmediate)
  assert.deepEqual(seen, ['first starts', 'first is gone', 'third starts'])
  await gateway.close()
})
