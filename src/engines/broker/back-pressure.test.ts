import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Client } from 'aedes'
import { createBackPressure, type Emitter } from './back-pressure.ts'

/** A client of which only the state of its connection counts. */
const clientWith = (conn: { writableLength: number; bytesWritten: number }) => ({ conn }) as unknown as Client

suite('back-pressure of the embedded broker', () => {
  const build = () => {
    let nowMs = 0
    const pressure = createBackPressure({ softBytes: 100, hardBytes: 1000, patienceMs: 50, now: () => nowMs })
    return { pressure, at: (ms: number) => void (nowMs = ms) }
  }

  test('a client that keeps up has room', () => {
    const { pressure } = build()
    assert.ok(pressure.hasRoom(clientWith({ writableLength: 99, bytesWritten: 1e6 })))
    assert.equal(pressure.refused, 0)
  })
  test('a slow client that reads has room, however long it takes', () => {
    const { pressure, at } = build()
    const conn = { writableLength: 500, bytesWritten: 1000 }
    for (let ms = 0; ms <= 1000; ms += 40) {
      at(ms)
      conn.bytesWritten += 10
      assert.ok(pressure.hasRoom(clientWith(conn)))
    }
  })
  test('a client that reads nothing is left behind after a while, and has room again once it reads', () => {
    const { pressure, at } = build()
    const conn = { writableLength: 500, bytesWritten: 1000 }
    const client = clientWith(conn)
    assert.ok(pressure.hasRoom(client))
    at(50)
    assert.ok(pressure.hasRoom(client))
    at(51)
    assert.ok(!pressure.hasRoom(client))
    assert.equal(pressure.refused, 1)
    conn.writableLength = 10
    assert.ok(pressure.hasRoom(client))
  })
  test('nobody makes the broker hold more than the hard limit', () => {
    const { pressure } = build()
    assert.ok(!pressure.hasRoom(clientWith({ writableLength: 1000, bytesWritten: 5000 })))
  })

  test('publishers wait for a client that is behind, and only for that', async () => {
    const { pressure } = build()
    const done: string[] = []
    let finish = () => {}
    const subscriber = { writableLength: 0, bytesWritten: 0 }
    const emitter: Emitter = {
      emit(_, callback) {
        pressure.hasRoom(clientWith(subscriber))
        finish = callback
      },
    }
    pressure.govern(emitter)
    emitter.emit({}, () => void done.push('fast'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(done, ['fast'])

    subscriber.writableLength = 200
    emitter.emit({}, () => void done.push('slow'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(done, ['fast'])
    finish()
    assert.deepEqual(done, ['fast', 'slow'])

    const released = new Promise<void>((resolve) => emitter.emit({}, () => resolve()))
    await released
  })
})
