import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createSubscriberList } from './subscriber-list.ts'

suite('listeners of the bus', () => {
  const build = () => {
    const errors: unknown[] = []
    const list = createSubscriberList((error) => void errors.push(error))
    const heard: string[] = []
    const arrive = (topic: string, more: { retain?: boolean; identifiers?: number[]; complete?: boolean } = {}) => {
      heard.length = 0
      const { retain = false, identifiers = [], complete = true } = more
      list.dispatch({ message: { topic, payload: Buffer.alloc(0), qos: 0, retain }, identifiers, complete })
      return [...heard].sort().join('')
    }
    const add = (name: string, filter: string, qos: 0 | 1 | 2 = 0) => list.add(filter, qos, () => void heard.push(name))
    return { list, add, arrive, errors }
  }

  test('without identifiers, whoever matches hears it once', () => {
    const { add, arrive } = build()
    add('A', 'x/#')
    add('B', 'x/+')
    add('C', 'y')
    assert.equal(arrive('x/1'), 'AB')
    assert.equal(arrive('y'), 'C')
    assert.equal(arrive('z'), '')
  })
  test('a copy for each subscription goes to the listeners of that one', () => {
    const { add, arrive } = build()
    const a = add('A', 'x/#')
    const b = add('B', 'x/+')
    assert.equal(arrive('x/1', { identifiers: [a.identifier] }), 'A')
    assert.equal(arrive('x/1', { identifiers: [b.identifier] }), 'B')
    assert.equal(arrive('x/1', { identifiers: [a.identifier, b.identifier] }), 'AB')
  })
  test('listeners of one filter share its subscription, also under an identifier that was replaced', () => {
    const { add, arrive } = build()
    const a = add('A', 'x')
    const b = add('B', 'x')
    assert.equal(arrive('x', { identifiers: [a.identifier] }), 'AB')
    assert.equal(arrive('x', { identifiers: [b.identifier] }), 'AB')
  })
  test('a retained message goes to the listener whose subscription asked for it', () => {
    const { add, arrive } = build()
    add('A', 'x')
    const b = add('B', 'x')
    assert.equal(arrive('x', { identifiers: [b.identifier], retain: true }), 'B')
  })
  test('one identifier of several is not taken for all of them', () => {
    const { add, arrive } = build()
    const a = add('A', 'x/#')
    add('B', 'x/+')
    assert.equal(arrive('x/1', { identifiers: [a.identifier], complete: false }), 'AB')
  })
  test('a new connection gets each filter once, with the highest QoS', () => {
    const { list, add, arrive } = build()
    const old = add('A', 'x', 0)
    add('B', 'x', 1)
    const gone = add('C', 'y', 2)
    assert.equal(list.remove(gone), 0)
    const before = old.identifier
    const renewed = list.renew()
    assert.deepEqual(
      renewed.map(({ filter, qos }) => [filter, qos]),
      [['x', 1]],
    )
    assert.notEqual(old.identifier, before)
    assert.equal(arrive('x', { identifiers: [old.identifier], retain: true }), 'AB')
  })
  test('a listener that throws does not keep it from the others', () => {
    const { list, add, arrive, errors } = build()
    list.add('x', 0, () => {
      throw new Error('mine')
    })
    add('B', 'x')
    assert.equal(arrive('x'), 'B')
    assert.equal(errors.length, 1)
  })
})
