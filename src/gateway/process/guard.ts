import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import type { Writable } from 'node:stream'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import { readProcess } from './process-table.ts'

/**
 * Keeps a list of process groups, told over a pipe that only the hub holds open. When the pipe closes, in whatever way
 * the hub ended, it ends what is left on the list. A group's leader is known by its start time too (proc(5), field 22):
 * a number that now belongs to somebody else is left alone. No number is given away while a group goes by it, so a
 * leader that is gone leaves no doubt about the rest.
 */
const SCRIPT = `
trap '' HUP INT TERM
list=
while read -r verb group start; do
  kept=
  for entry in $list; do [ "\${entry%%:*}" = "$group" ] || kept="$kept $entry"; done
  list=$kept
  [ "$verb" = add ] && list="$list $group:$start"
done
ours() {
  [ "$2" = - ] && return 0
  { read -r stat </proc/$1/stat; } 2>/dev/null || return 0
  set -- "$2" \${stat##*) }
  shift 20
  [ "$1" = "$start" ]
}
# Not every shell takes "--" before a group, and not every shell takes a group without it.
tell() { kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "-$2" 2>/dev/null; }
signal() {
  left=
  for entry in $list; do
    group=\${entry%%:*} start=\${entry#*:}
    ours "$group" "$start" && tell "$1" "$group" && left=yes
  done
}
signal TERM
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ "$left" ] || exit 0
  sleep 0.2 2>/dev/null || sleep 1
  signal 0
done
signal KILL
`

/** Waits for the end of the hub, and ends what the hub could not end itself. */
export interface Guard {
  /** From now on the group does not outlive the hub. */
  add(group: number): void
  /** The group is gone. */
  remove(group: number): void
  /** Lets the watcher go; whatever is still on its list ends. Resolves when it has gone. */
  close(): Promise<void>
}

/** A guard that died is replaced after so long, twice as long each time: 100 ms to about a minute. */
const FIRST_DELAY_MS = 100
const MOST_DELAY_MS = 60_000

type Watcher = ChildProcessByStdio<Writable, null, null>

type State =
  | { is: 'idle' }
  | { is: 'watching'; watcher: Watcher }
  | { is: 'waiting'; cancel: () => void }
  | { is: 'closed' }

export interface GuardOptions {
  readonly log: Log
  readonly clock?: Clock
  /** The shell that watches. */
  readonly shell?: string
  /** What tells a process from a later one of the same number. */
  readonly startTicksOf?: (pid: number) => string | undefined
}

const startTicksOnLinux = (pid: number) => (process.platform === 'linux' ? readProcess(pid)?.startTicks : undefined)

/**
 * One watcher for all servers, started with the first of them: about a megabyte, and it does nothing until the end.
 * On Windows there is none: there a server notices the end of the hub by its standard input alone.
 */
export function createGuard(options: GuardOptions): Guard {
  const { log, clock = systemClock, shell = '/bin/sh', startTicksOf = startTicksOnLinux } = options
  const groups = new Map<number, string>()
  let state: State = { is: 'idle' }
  let delayMs = FIRST_DELAY_MS

  const start = () => {
    const watcher = spawn(shell, ['-c', SCRIPT], {
      // Its own session: neither Ctrl-C nor the end of the terminal is its end.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
    })
    state = { is: 'watching', watcher }
    // The hub may end while it waits: that is what it waits for.
    watcher.unref()
    ;(watcher.stdin as Writable & { unref?(): void }).unref?.()
    watcher.stdin.on('error', () => undefined)
    watcher.once('error', (error) => replace(watcher, error))
    watcher.once('exit', (code, signal) => replace(watcher, { code, signal }))
    for (const [group, startTicks] of groups) watcher.stdin.write(`add ${group} ${startTicks}\n`)
  }

  const replace = (watcher: Watcher, cause: unknown) => {
    if (state.is !== 'watching' || state.watcher !== watcher) return
    log.warn('the watcher over MCP servers ended; another one takes its place', { cause, delayMs })
    state = { is: 'waiting', cancel: clock.after(delayMs, start) }
    delayMs = Math.min(delayMs * 2, MOST_DELAY_MS)
  }

  const tell = (line: string) => {
    if (state.is === 'idle' && process.platform !== 'win32') start()
    else if (state.is === 'watching') state.watcher.stdin.write(line)
  }

  return {
    add(group) {
      const startTicks = startTicksOf(group) ?? '-'
      groups.set(group, startTicks)
      tell(`add ${group} ${startTicks}\n`)
    },
    remove(group) {
      if (groups.delete(group)) tell(`remove ${group} -\n`)
    },
    async close() {
      const before = state
      state = { is: 'closed' }
      if (before.is === 'waiting') before.cancel()
      if (before.is !== 'watching') return
      before.watcher.ref()
      const exit = once(before.watcher, 'exit')
      before.watcher.stdin.end()
      if (before.watcher.exitCode === null && before.watcher.signalCode === null) await exit.catch(() => undefined)
    },
  }
}
