import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { sampleRest } from './samples.suite.ts'

const SSE = { accept: 'text/event-stream' }

const eventsIn = (text: string) =>
  [...text.matchAll(/^event: (.*)\ndata: (.*)\n\n/gm)].map(([, name, data = '']) => [name, JSON.parse(data)] as const)

const stepped = async (clock: ReturnType<typeof heldClock>, ms: number) => {
  await new Promise(setImmediate)
  clock.advance(ms)
}

suite('event stream', () => {
  test('carries progress and log, then the result', async () => {
    const response = await sampleRest().ask('POST', '/api/test/count_up', { to: 2 }, SSE)
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    assert.deepEqual(eventsIn(await response.text()), [
      ['progress', { progress: 1, total: 2 }],
      ['progress', { progress: 2, total: 2 }],
      ['log', { level: 'info', message: 'counted' }],
      ['result', { counted: 2 }],
    ])
  })

  test('ends with the fault of a call that began, and shows no inner detail', async () => {
    const response = await sampleRest().ask('POST', '/api/test/count_up', { to: 1, fail: true }, SSE)
    const text = await response.text()
    const [name, fault] = eventsIn(text).at(-1) ?? []
    assert.deepEqual([name, fault.code, fault.request_id], ['fault', 'internal', response.headers.get('x-request-id')])
    assert.doesNotMatch(text, /SELECT|inner detail/)
  })

  test('a call that is refused before it began has the status of its fault', async () => {
    const { ask } = sampleRest()
    assert.equal((await ask('POST', '/api/test/count_up', { too: 1 }, SSE)).status, 400)
    assert.equal((await ask('PUT', '/devices/x', {}, { ...SSE, authorization: 'Bearer wrong' })).status, 401)
  })

  test('opens before the first news, and comments keep it open', async () => {
    const clock = heldClock()
    const { ask } = sampleRest({ clock })
    const asked = ask('POST', '/api/test/wait_forever', {}, SSE)
    await stepped(clock, 200)
    const reader = (await asked).body?.getReader()
    const next = reader?.read()
    await stepped(clock, 15_000)
    assert.equal(Buffer.from((await next)?.value ?? []).toString(), ': still running\n\n')
    await reader?.cancel()
  })

  test('a reader that goes away cancels the call', async () => {
    // The clock stands still from here on: no deadline ends the call.
    const clock = heldClock()
    const { ask, door } = sampleRest({ clock })
    const asked = ask('POST', '/api/test/wait_forever', {}, SSE)
    await stepped(clock, 200)
    await (await asked).body?.cancel()
    // Resolves only when no call runs any more.
    await door.close(60_000)
  })

  test('a slow reader misses news, but not the result', async () => {
    const { ask, door } = sampleRest()
    const response = await ask('POST', '/api/test/count_up', { to: 100_000 }, SSE)
    await door.close(60_000)
    const text = await response.text()
    assert.ok(text.length < 1.1 * 1024 * 1024 + 1000, `${text.length} bytes waited`)
    assert.deepEqual(eventsIn(text).at(-1), ['result', { counted: 100_000 }])
  })

  test('a slow reader of parts ends the call: a part cannot be left out', async () => {
    const { ask, door } = sampleRest()
    const response = await ask('POST', '/api/test/count_up', { to: 100_000, part: 'x'.repeat(1000) }, SSE)
    await door.close(60_000)
    const [name, fault] = eventsIn(await response.text()).at(-1) ?? []
    assert.deepEqual([name, fault.code], ['fault', 'too_large'])
  })
})
