import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { fault } from '../../testing/mqtt-toolkit.ts'
import type { ProcessEnd } from '../process/server-process.ts'
import type { ServerNotification, ServerRequest } from './connection.ts'
import { overStdio } from './stdio.ts'

/** The hub's end of two pipes, and the other ends in the hands of the test. */
function pipes(maxMessageBytes = 1000) {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()]
  const clock = heldClock()
  const ended = Promise.withResolvers<ProcessEnd>()
  const notifications: ServerNotification[] = []
  const closed: string[] = []
  const asked = Promise.withResolvers<ServerRequest>()
  const answer = Promise.withResolvers<RelayedResult>()
  const process = { pid: 1, stdin, stdout, ended: ended.promise, stop: () => Promise.resolve() }
  const wire = overStdio(process, {
    name: 'files',
    clock,
    log: silentLog,
    maxMessageBytes,
    handlers: {
      onNotification: (notification) => void notifications.push(notification),
      onRequest(request) {
        asked.resolve(request)
        return answer.promise
      },
      onClose: (reason) => void closed.push(reason),
    },
  })
  const said = async (): Promise<string[]> => {
    if (stdin.readableLength === 0) await new Promise((resolve) => stdin.once('readable', resolve))
    return String(stdin.read()).trimEnd().split('\n')
  }
  const say = (...messages: object[]) =>
    stdout.write(messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''))
  return { wire, stdout, said, say, clock, ended, notifications, closed, asked: asked.promise, answer }
}

const ask = (
  wire: ReturnType<typeof pipes>['wire'],
  signal = new AbortController().signal,
  heard?: ServerNotification[],
) =>
  wire.request({
    method: 'tools/call',
    params: (id) => `{"token":${id}}`,
    signal,
    ...(heard && { onNotification: (notification: ServerNotification) => void heard.push(notification) }),
  })

suite('messages in both directions', () => {
  test('calls that come in together leave in one write, with ids of their own', async () => {
    const { wire, said, say } = pipes()
    const answers = Promise.all([ask(wire), ask(wire)])
    assert.deepEqual(await said(), [
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"token":1}}',
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"token":2}}',
    ])
    say({ id: 2, result: { b: 2 } }, { id: 1, result: { a: 1 } })
    assert.deepEqual(
      (await answers).map(({ text }) => text),
      ['{"a":1}', '{"b":2}'],
    )
  })

  test('progress finds its call, and nobody else hears of it', async () => {
    const { wire, say, notifications } = pipes()
    const heard: ServerNotification[][] = [[], []]
    const answers = [ask(wire, undefined, heard[0]), ask(wire, undefined, heard[1])]
    const progress = (progressToken: unknown) => ({ method: 'notifications/progress', params: { progressToken } })
    say(progress(2), progress('1'), progress(3), { id: 1, result: {} }, progress(1), { id: 2, result: {} })
    await Promise.all(answers)
    assert.deepEqual(
      heard.map((each) => each.length),
      [0, 1],
    )
    assert.deepEqual(notifications, [])
  })

  test('a batch is taken message by message', async () => {
    const { wire, stdout, notifications } = pipes()
    const answer = ask(wire)
    stdout.write('[{"jsonrpc":"2.0","method":"m"},{"jsonrpc":"2.0","id":1,"result":{}}]\n')
    assert.equal((await answer).text, '{}')
    assert.equal(notifications.length, 1)
  })

  test('a call that is withdrawn is cancelled once; the handshake never', async () => {
    const { wire, said } = pipes()
    const controller = new AbortController()
    const call = ask(wire, controller.signal)
    const handshake = wire.request({ method: 'initialize', params: () => '{}', signal: controller.signal })
    assert.equal((await said()).length, 2)
    controller.abort(new Error('enough'))
    await assert.rejects(call, /enough/)
    await assert.rejects(handshake, /enough/)
    const [cancelled = '', ...more] = await said()
    assert.deepEqual(more, [])
    const { method, params } = JSON.parse(cancelled) as { method: string; params: { requestId: number } }
    assert.deepEqual([method, params.requestId], ['notifications/cancelled', 1])
    await assert.rejects(ask(wire, controller.signal), /enough/, 'before it is sent')
    assert.equal(wire.running, 0)
  })

  test('a question that the server withdraws is not answered', async () => {
    const { wire, say, said, asked, answer } = pipes()
    say({ id: 7, method: 'roots/list' })
    const { signal, id } = await asked
    assert.deepEqual([id, signal.aborted], [7, false])
    say({ method: 'notifications/cancelled', params: { requestId: 7 } }, { id: 8, method: 'ping' })
    assert.deepEqual(await said(), ['{"jsonrpc":"2.0","id":8,"result":{}}'])
    assert.equal(signal.aborted, true)
    answer.resolve(new RelayedResult('{}'))
    void ask(wire).catch(() => undefined)
    assert.equal((await said()).length, 1, 'the call alone')
  })

  test('what a subscription brings is the subscription’s', async () => {
    const { wire, say, notifications } = pipes()
    const heard: ServerNotification[] = []
    const answer = ask(wire, undefined, heard)
    const changed = (id: number) => ({
      method: 'notifications/tools/list_changed',
      params: { _meta: { 'io.modelcontextprotocol/subscriptionId': id } },
    })
    say(changed(1), changed(2), { id: 1, result: {} })
    await answer
    assert.deepEqual([heard.length, notifications.length], [1, 1])
  })

  test('a subscription that the server ends fails; other calls it cannot cancel', async () => {
    const { wire, say } = pipes()
    const { signal } = new AbortController()
    const listening = wire.request({ method: 'subscriptions/listen', params: () => '{}', signal })
    const calling = ask(wire)
    const cancel = (requestId: number) => ({ method: 'notifications/cancelled', params: { requestId } })
    say(cancel(1), cancel(2), { id: 2, result: {} })
    await assert.rejects(listening, fault('unavailable', /files ended the subscription/))
    assert.equal((await calling).text, '{}')
  })

  for (const [title, line] of [
    ['its id at the beginning', `{"jsonrpc":"2.0","id":2,"result":{"x":"${'x'.repeat(2000)}"}}`],
    ['its id at the end', `{"result":{"x":"${'x'.repeat(2000)}"},"jsonrpc":"2.0","id":2}`],
  ] as const)
    test(`an answer over the limit fails its own call: ${title}`, async () => {
      const { wire, stdout, say } = pipes()
      const [first, second] = [ask(wire), ask(wire)]
      stdout.write(`${line}\n`)
      await assert.rejects(second, fault('too_large', /files answered with 20\d\d bytes; the limit is 1000 bytes/))
      say({ id: 1, result: {} })
      assert.equal((await first).text, '{}')
    })

  test('a listener that throws does no harm', async () => {
    const { wire, say } = pipes()
    const { signal } = new AbortController()
    const onNotification = () => {
      throw new Error('a defect')
    }
    const answer = wire.request({ method: 'tools/call', params: () => '{}', signal, onNotification })
    say({ method: 'notifications/progress', params: { progressToken: 1 } }, { id: 1, result: {} })
    assert.equal((await answer).text, '{}')
  })

  test('the last words of a process are heard before its end', async () => {
    const { wire, say, stdout, ended, closed } = pipes()
    const [answered, lost] = [ask(wire), ask(wire)]
    ended.resolve({ code: 1, signal: null, reason: 'it ended with exit code 1' })
    await ended.promise
    say({ id: 1, result: {} })
    stdout.end()
    assert.equal((await answered).text, '{}')
    await assert.rejects(lost, fault('unavailable', /files: it ended with exit code 1\./))
    assert.deepEqual(closed, ['it ended with exit code 1'])
    assert.equal(wire.ended, true)
  })

  test('an end that leaves the output open is an end', async () => {
    const { wire, ended, closed, clock } = pipes()
    const call = ask(wire)
    ended.resolve({ code: 0, signal: null, reason: 'it ended' })
    await ended.promise
    assert.deepEqual(closed, [])
    clock.advance(1000)
    await assert.rejects(call, fault('unavailable', /files: it ended\./))
  })
})
