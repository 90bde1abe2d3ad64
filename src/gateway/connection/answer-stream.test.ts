import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { AnswerStream } from './answer-stream.ts'
import { Questions } from './questions.ts'

const never = () => Promise.reject(new Error('nothing is asked here'))

suite('how long a server is left alone before its stream is taken up again', () => {
  for (const [says, waitMs] of [
    ['data:\n\n', 1000],
    ['retry: 250\ndata:\n\n', 250],
    ['retry: 0\ndata:\n\n', 50],
  ] as const)
    test(JSON.stringify(says), async () => {
      const handlers = { onNotification() {}, onRequest: never, onClose() {} }
      const options = { name: 'files', handlers, clock: heldClock(), log: silentLog, maxMessageBytes: 1000 }
      const listener = { onNotification() {}, onRequest: never, reply() {} }
      const stream = new AnswerStream(options, new Questions(silentLog), listener)
      await stream.read(Readable.from([Buffer.from(says)]), new AbortController().signal)
      assert.equal(stream.retryMs, waitMs)
    })
})
