import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AuditEntry } from '../../kernel/audit.ts'
import { textOf } from './columns.ts'
import { Gathered, textsOf } from './gathered.ts'

const entry = (name: string): AuditEntry => ({
  requestId: name,
  atMs: 1,
  callerId: 'owner',
  via: 'rest',
  operation: 'lamps.set_level',
  provider: 'lamps',
  effect: 'read',
  outcome: 'ok',
  durationMs: 1,
})

/** Of more than one byte in UTF-8, of two units in UTF-16, and half of one. */
const NAMES = ['plain', 'Zoë', '灯', '💡', '\ud800']
const many = (count: number) => Array.from({ length: count }, (_, at) => `${NAMES[at % NAMES.length]}-${at}`)

function filled(names: readonly string[]): Gathered {
  const gathered = new Gathered()
  for (const name of names) gathered.add(entry(name))
  return gathered
}

suite('what waits to be written', () => {
  test('is there in its order, however much it is', () => {
    const names = many(1000)
    const gathered = filled(names)
    assert.equal(gathered.size, 1000)
    assert.deepEqual(
      gathered.texts(),
      names.map((name) => textOf(entry(name))),
    )
  })

  test('the oldest go first', () => {
    const gathered = filled(many(10))
    assert.equal(gathered.drop(3), 3)
    assert.equal(gathered.size, 7)
    assert.equal(gathered.texts()[0], textOf(entry(many(10)[3] ?? '')))
    assert.equal(gathered.drop(100), 7)
    assert.deepEqual(gathered.texts(), [])
  })

  test('what was dropped takes no room', () => {
    const gathered = filled(many(1000))
    const before = gathered.shared().buffer.byteLength
    for (const name of many(20_000)) {
      gathered.add(entry(name))
      if (gathered.size > 1000) gathered.drop(100)
    }
    assert.ok(gathered.shared().buffer.byteLength <= before * 4)
    assert.equal(gathered.texts().at(-1), textOf(entry(many(20_000).at(-1) ?? '')))
  })

  test('empty, it takes the next ones, with less memory once less is needed', () => {
    const gathered = filled(many(1000))
    const most = gathered.shared().buffer.byteLength
    for (let turn = 0; turn < 10; turn++) {
      gathered.clear()
      assert.equal(gathered.size, 0)
      gathered.add(entry('again'))
      assert.deepEqual(gathered.texts(), [textOf(entry('again'))])
    }
    assert.ok(gathered.shared().buffer.byteLength < most / 4)
  })

  test('another reader sees the same', () => {
    const gathered = filled(['one', 'two', 'three'])
    gathered.drop(1)
    assert.deepEqual(textsOf(structuredClone(gathered.shared())), [textOf(entry('two')), textOf(entry('three'))])
  })
})
