import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { createEventStream } from './event-stream.ts'
import { notificationMessage } from '../../kernel/mcp/message.ts'

const news = (characters: number) => notificationMessage('news', { text: 'x'.repeat(characters) })

const textOf = async (stream: ReadableStream<Uint8Array>) => await new Response(stream).text()

suite('what an event stream keeps for a reader that comes back', () => {
  test('is no more than some megabytes, the latest event among them', async () => {
    const stream = createEventStream({ clock: heldClock(), name: 's' })
    for (let count = 1; count <= 20; count++) stream.push(news(1_000_000))
    stream.end()
    const ids = [...(await textOf(stream.connect(0))).matchAll(/^id: (.*)$/gm)].map(([, id]) => id)
    assert.deepEqual(ids, ['s_17', 's_18', 's_19', 's_20'])
  })

  test('is an event of any size when it is the only one', async () => {
    const stream = createEventStream({ clock: heldClock(), name: 's' })
    stream.push(news(10))
    stream.push(news(6_000_000))
    stream.end()
    assert.match(await textOf(stream.connect(0)), /^id: s_2$/m)
  })
})
