import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Clock } from '../../kernel/clock.ts'
import { failed, note, ok, type Check } from './check.ts'
import type { HubConfig } from './hub.ts'

/** The first Node that runs the program without a warning; the same as in `bin/alicia.js`. */
const OLDEST_NODE = [24, 12] as const

export function nodeCheck(version = process.versions.node): Check {
  return {
    name: 'Node',
    async run() {
      const [major = 0, minor = 0] = version.split('.').map(Number)
      const isNewEnough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
      return isNewEnough
        ? ok(version)
        : failed(`${version} is older than ${OLDEST_NODE.join('.')}`, 'Run `npm ci`: the right Node comes with it.')
    },
  }
}

/** No clock of a machine that runs this program can show an earlier day. */
const EARLIEST_MS = Date.UTC(2026, 0, 1)

/** Certificates and tokens expire by it; a small computer without a battery starts in 1970. */
export function clockCheck(clock: Clock): Check {
  return {
    name: 'Clock',
    async run() {
      const now = new Date(clock.now())
      const text = `${now.toISOString().slice(0, 16).replace('T', ' ')} UTC`
      return now.getTime() >= EARLIEST_MS
        ? ok(text)
        : failed(`${text} lies in the past`, 'Set the clock (timedatectl set-ntp true).')
    },
  }
}

/** Debian keeps it where only root's PATH leads. */
const OUTSIDE_PATH = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto']

export function mosquittoCheck({ broker }: HubConfig): Check {
  const candidates = broker.program === undefined ? ['mosquitto', ...OUTSIDE_PATH] : [broker.program]
  return {
    name: 'Mosquitto',
    async run(signal) {
      for (const program of candidates) {
        const version = await mosquittoVersion(program, signal)
        if (version !== undefined) return ok(`${version} (${program})`)
      }
      if (broker.kind !== 'mosquitto') return note('not installed; not needed, the broker is built in')
      return failed(
        `not found: ${candidates.join(', ')}`,
        'Install it (apt install mosquitto), name it in broker.program, or use --broker embedded.',
      )
    },
  }
}

/** `-h` prints the version and, in 2.0, ends with an exit code of 3. */
async function mosquittoVersion(program: string, signal: AbortSignal): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)(program, ['-h'], { signal, timeout: 5000 }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  )
  return /mosquitto version (\S+)/.exec(stdout)?.[1]
}
