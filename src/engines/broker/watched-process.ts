import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/**
 * Runs "$@" and watches the pipe at standard input, which only the hub holds open. When the pipe closes, because the
 * hub wants it or because the hub was killed in whatever way, the program is told to end, and ended if it does not.
 */
const WATCHDOG = `
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{
  read -r _ <&3
  kill -TERM $program
  for _ in 1 2 3 4 5; do
    sleep 1
    kill -0 $program || exit
  done
  kill -KILL $program
} >/dev/null 2>&1 &
watchdog=$!
wait $program
status=$?
kill $watchdog 2>/dev/null
exit $status
`

export interface WatchedProcess {
  /** Resolves when the program has ended, with its exit code (above 128: a signal's number was added). */
  readonly ended: Promise<number>
  /** SIGTERM, and after five seconds SIGKILL. Resolves when the program has ended. */
  stop(): Promise<void>
}

/** Starts a program that does not survive the hub, not even when the hub is killed with SIGKILL. */
export function startWatched(program: string, args: readonly string[], onLine: (line: string) => void): WatchedProcess {
  const child = spawn('/bin/sh', ['-c', WATCHDOG, 'sh', program, ...args], {
    // Its own process group: Ctrl-C in a terminal is the hub's to handle, in its order.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    // The program's environment is nobody's business but PATH: it may hold the hub's secrets.
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin' },
  })
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stderr })
  lines.on('line', onLine)
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(127))
    // Not `close`: an orphan could hold the pipe of standard error open for ever.
    child.once('exit', (code) => {
      // If the watchdog itself was killed, this makes its other half end the program.
      child.stdin.destroy()
      resolve(code ?? 137)
    })
  })
  return {
    ended,
    async stop() {
      child.stdin.destroy()
      await ended
      lines.close()
      child.stderr.destroy()
    },
  }
}
