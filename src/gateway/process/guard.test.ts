import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import process from 'node:process'
import { suite, test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createLog, silentLog } from '../../kernel/log.ts'
import { createGuard } from './guard.ts'
import { memoryOf, readProcess } from './process-table.ts'

const CHILD = fileURLToPath(new URL('guard.child.ts', import.meta.url))

const isAlive = (pid: number) => {
  const row = readProcess(pid)
  return row !== undefined && !row.isZombie
}

/** Resolves when it is so; nothing tells us of the end of a process that is not our child. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let looks = 0; !isSo(); looks++) {
    assert.ok(looks < 500, what)
    await delay(20)
  }
}

/** A program as the hub is one, with a server that runs each script. */
async function startHub(t: TestContext, scripts: readonly string[]) {
  const servers = scripts.map((script) => JSON.stringify({ command: 'sh', args: ['-c', script] }))
  const hub = spawn(process.execPath, [CHILD, ...servers], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => hub.kill('SIGKILL'))
  const [line] = (await once(hub.stdout, 'data')) as [Buffer]
  const pids = String(line).trim().split(' ').map(Number)
  assert.ok(pids.every((pid) => pid > 1))
  // Where the test fails there may be survivors.
  t.after(() => pids.filter(isAlive).forEach((pid) => process.kill(pid, 'SIGKILL')))
  /** Resolves when the program has done what it had begun. */
  const comesRound = async () => {
    hub.stdin.write('?')
    await once(hub.stdout, 'data')
  }
  return { hub, pids, comesRound }
}

/** The watchers of a hub: the other children that it has. */
const watchersOf = (parent: number) =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const [, ppid] = /\) . (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
        return Number(ppid) === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('trap')
      } catch {
        return false
      }
    })

/** Deaf to the end of its input; each says its own pid and that of what it started. */
const SERVERS: readonly [string, string][] = [
  ['a server that waits', 'echo $$; exec sleep 1000'],
  ['a server with a child', 'sleep 1000 & echo $$ $!; wait'],
  ['a server that ignores SIGTERM', `trap '' TERM; sleep 1000 & echo $$ $!; while :; do wait; sleep 1; done`],
  ['a child that nobody waits for, in the same group', 'sh -c "sleep 1000 & echo \\$!"; exec sleep 1000'],
]

suite('whatever way the hub ends, no server survives it', () => {
  test(`SIGKILL: ${SERVERS.map(([name]) => name).join('; ')}`, async (t) => {
    const { hub, pids } = await startHub(
      t,
      SERVERS.map(([, script]) => script),
    )
    assert.equal(pids.length, 6)
    assert.ok(pids.every(isAlive))
    const [watcher] = watchersOf(hub.pid ?? 0)
    hub.kill('SIGKILL')
    await until(() => !pids.some(isAlive), 'a server survived')
    await until(() => !isAlive(watcher ?? 0), 'the watcher survived')
  })

  test('a watcher that was killed has a successor, who knows all', async (t) => {
    const { hub, pids, comesRound } = await startHub(t, ['echo $$; exec sleep 1000'])
    const [first = 0, ...more] = watchersOf(hub.pid ?? 0)
    assert.deepEqual(more, [])
    process.kill(first, 'SIGKILL')
    await until(() => watchersOf(hub.pid ?? 0).some((pid) => pid !== first), 'no successor')
    // It can be seen before it has been told anything.
    await comesRound()
    hub.kill('SIGKILL')
    await until(() => !pids.some(isAlive), 'a server survived')
  })

  test('the watcher is small', async (t) => {
    const { hub } = await startHub(t, ['echo $$; exec sleep 1000'])
    const [watcher = 0] = watchersOf(hub.pid ?? 0)
    assert.ok(((await memoryOf(watcher)) ?? 99) < 4)
  })
})

suite('guard', () => {
  const sleeper = async (t: TestContext) => {
    const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
    t.after(() => child.kill('SIGKILL'))
    await once(child, 'spawn')
    return { child, group: child.pid ?? 0, exit: once(child, 'exit') }
  }

  test('ends what is on its list, and nothing that was taken off', async (t) => {
    const [kept, removed] = [await sleeper(t), await sleeper(t)]
    const guard = createGuard({ log: silentLog })
    guard.add(removed.group)
    guard.add(kept.group)
    guard.remove(removed.group)
    await guard.close()
    assert.deepEqual(await kept.exit, [null, 'SIGTERM'])
    assert.ok(isAlive(removed.group))
  })

  test('leaves a number alone that is somebody else’s by now', async (t) => {
    const { group, exit, child } = await sleeper(t)
    const guard = createGuard({ log: silentLog })
    // It goes by the start time that was found at `add`: another process with that number has another.
    guard.add(process.pid)
    guard.remove(process.pid)
    guard.add(group)
    const impostor = createGuard({ log: silentLog, startTicksOf: () => '1' })
    impostor.add(group)
    await impostor.close()
    assert.ok(isAlive(group))
    await guard.close()
    await exit
    assert.equal(child.signalCode, 'SIGTERM')
  })

  test('without a shell it says so and does not stand in the way', async (t) => {
    const { group } = await sleeper(t)
    const lines: string[] = []
    const said = Promise.withResolvers<void>()
    const log = createLog({
      level: 'info',
      write: (line) => {
        lines.push(line)
        said.resolve()
      },
    })
    const guard = createGuard({ log, shell: '/no/such/shell' })
    guard.add(group)
    await said.promise
    await guard.close()
    assert.match(lines.join(''), /watcher over MCP servers ended/)
    assert.ok(isAlive(group))
  })

  test('with nothing to guard it starts nothing', async () => {
    const guard = createGuard({ log: silentLog, shell: '/no/such/shell' })
    guard.remove(1)
    await guard.close()
  })
})
