import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { definitionWith } from './definition.fixture.ts'
import { createKnownLists } from './known-lists.ts'
import { NO_LISTS } from './listed.ts'
import type { Memory } from './memory.ts'

function knownLists() {
  const kept = new Map<string, unknown>()
  const memory: Memory = {
    get: (_server, key) => kept.get(key),
    async set(_server, key, value) {
      kept.set(key, value)
    },
  }
  const known = createKnownLists(definitionWith({}), memory, { clock: heldClock(), log: silentLog })
  const list = (names: readonly string[]) =>
    known.learn({ ...NO_LISTS, tools: names.map((name) => ({ name, value: { name } })) })
  return { known, list, kept }
}

suite('what is known of a server', () => {
  test('a tool that is gone for a while is the one that was approved', async () => {
    const { known, list } = knownLists()
    await list(['a', 'b'])
    const before = known.pins.get('a')
    await list(['b'])
    await list(['a', 'b'])
    assert.deepEqual(known.pins.get('a'), before)
  })

  test('a server with other tools each time is not remembered without end', async () => {
    const { known, list, kept } = knownLists()
    for (let round = 0; round < 10; round++) await list(Array.from({ length: 400 }, (_, at) => `t${round}_${at}`))
    assert.equal(known.pins.size, 1400)
    assert.ok(known.pins.has('t9_0') && known.pins.has('t8_0') && !known.pins.has('t0_0'))
    assert.equal(Object.keys(kept.get('pins') as object).length, 1400)
  })
})
