import assert from 'node:assert/strict'
import process from 'node:process'
import { suite, test, type TestContext } from 'node:test'
import { systemClock } from '../../kernel/clock.ts'
import { createEvents } from '../../kernel/events.ts'
import { silentLog } from '../../kernel/log.ts'
import { createGuard } from '../process/guard.ts'
import { membersOf, memoryOf } from '../process/process-table.ts'
import { spawnServer } from '../process/spawn-server.ts'
import { createLife } from './life.ts'
import type { LifeState } from './state.ts'

/** A life that keeps a real process alive, taken for up at its first word. */
function keepAlive(t: TestContext, command: string, ...args: string[]) {
  const guard = createGuard({ log: silentLog })
  const heard: ((state: LifeState) => void)[] = []
  const life = createLife({
    name: 'lamps',
    definition: {
      restart: { firstDelayMs: 5, mostDelayMs: 50, mostAttempts: 3 },
      patienceMs: 5000,
      startTimeoutMs: 10_000,
    },
    async open(signal, onClose) {
      const server = spawnServer(
        { kind: 'stdio', command, args, env: {} },
        {
          name: 'lamps',
          log: silentLog,
          guard,
          environment: { PATH: process.env['PATH'] },
          secrets: [],
          onStderr: () => undefined,
          graceMs: 200,
        },
      )
      const ended = server.ended.then(({ reason }) => reason)
      const spoke = new Promise<undefined>((resolve) => server.stdout.once('data', () => resolve(undefined)))
      const aborted = new Promise<string>((resolve) =>
        signal.addEventListener('abort', () => resolve('it was given up')),
      )
      const failure = await Promise.race([ended, spoke, aborted])
      const close = () => server.stop()
      if (failure !== undefined) {
        await close()
        throw new Error(failure)
      }
      server.stdout.resume()
      void ended.then(onClose)
      return { pid: server.pid, close }
    },
    blockedBy: () => undefined,
    memory: ({ pid }) => memoryOf(pid),
    clock: systemClock,
    log: silentLog,
    events: createEvents((error) => {
      throw error
    }),
    onChange: (state) => heard.splice(0).forEach((hear) => hear(state)),
  })
  t.after(async () => {
    await life.close()
    await guard.close()
  })
  const next = async (is: LifeState['is']): Promise<LifeState> => {
    while (life.state.is !== is) await new Promise<LifeState>((resolve) => heard.push(resolve))
    return life.state
  }
  return { life, next, call: () => life.obtain(AbortSignal.timeout(10_000)) }
}

suite('the life of a real process', () => {
  test('killed again and again, it comes back, and nothing of what was is left', async (t) => {
    const { life, call, next } = keepAlive(t, 'sh', '-c', 'sleep 1000 & echo up; wait')
    const pids = new Set<number>()
    for (let round = 0; round < 2; round++) {
      const { pid } = await call()
      pids.add(pid)
      process.kill(pid, 'SIGKILL')
      const down = await next('backing_off')
      assert.match('reason' in down ? down.reason : '', /^it was ended by SIGKILL/)
    }
    const { pid } = await call()
    assert.equal(pids.add(pid).size, 3)
    await life.stop('it was stopped by owner')
    for (const gone of pids) assert.deepEqual(membersOf(gone), [])
  })

  test('one that cannot start has failed, in its own words', async (t) => {
    const { life, call, next } = keepAlive(t, 'sh', '-c', 'echo "no key in LAMPS_KEY" >&2; exit 3')
    life.start()
    await next('failed')
    await assert.rejects(call(), {
      code: 'unavailable',
      message: /it ended with exit code 3; it said: no key in LAMPS_KEY\.$/,
    })
  })

  test('one that is not there is told how to come by', async (t) => {
    const { call } = keepAlive(t, 'uvx-of-nobody')
    await assert.rejects(call(), {
      message: /since \d\d:\d\d: it cannot be started: uvx-of-nobody was not found\.$/,
      hint: /^Install uvx-of-nobody, or give its full path/,
    })
  })
})
