/**
 * Makes sure the real servers that tests run against are installed. What is there is used; as root on a Debian-like
 * system the missing ones are installed; anywhere else this says what to install, and fails: no test is skipped.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'

interface Server {
  name: string
  /** The program, and where it lives beside PATH. */
  program: string
  places: string[]
  debianPackage: string
}

const SERVERS: Server[] = [
  { name: 'Mosquitto', program: 'mosquitto', places: ['/usr/sbin', '/opt/homebrew/sbin'], debianPackage: 'mosquitto' },
  {
    name: 'Mosquitto clients',
    program: 'mosquitto_sub',
    places: ['/opt/homebrew/bin'],
    debianPackage: 'mosquitto-clients',
  },
  {
    name: 'PostgreSQL',
    program: 'initdb',
    places: ['/usr/lib/postgresql/*/bin', '/opt/homebrew/opt/postgresql*/bin'],
    debianPackage: 'postgresql',
  },
  { name: 'OpenSSH server', program: 'sshd', places: ['/usr/sbin'], debianPackage: 'openssh-server' },
  { name: 'OpenSSH client', program: 'ssh', places: [], debianPackage: 'openssh-client' },
  { name: 'curl', program: 'curl', places: [], debianPackage: 'curl' },
  // Of these two every Linux has its own; another system may not.
  { name: 'stdbuf', program: 'stdbuf', places: [], debianPackage: 'coreutils' },
  { name: 'prlimit', program: 'prlimit', places: [], debianPackage: 'util-linux' },
  { name: 'D-Bus', program: 'dbus-run-session', places: [], debianPackage: 'dbus-daemon' },
  { name: 'GNOME Keyring', program: 'gnome-keyring-daemon', places: [], debianPackage: 'gnome-keyring' },
  { name: 'OpenSSL', program: 'openssl', places: [], debianPackage: 'openssl' },
]

/** The full path of an installed program, or undefined. */
export function findProgram(program: string, places: readonly string[] = []): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...places.flatMap((place) => globSync(place))]
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}

/** Throws (ends the process with 1) when a server is missing and cannot be installed. */
export function ensureServers(): void {
  const missing = SERVERS.filter(({ program, places }) => findProgram(program, places) === undefined)
  if (missing.length === 0) return
  const packages = missing.map(({ debianPackage }) => debianPackage)
  const names = missing.map(({ name }) => name).join(', ')
  const canInstall = process.getuid?.() === 0 && findProgram('apt-get') !== undefined
  if (!canInstall) {
    console.error(`The tests run against real servers, and these are not installed: ${names}.`)
    console.error(`On Debian or Ubuntu: sudo apt-get install ${packages.join(' ')}`)
    console.error('To run only the tests that need none of them: npm test -- --unit')
    process.exit(1)
  }
  console.log(`Installing for the tests: ${names}.`)
  // A package's own service must not start: the tests start what they need, on ports of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  run('apt-get', ['update', '-qq'], env)
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], env)
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv): void {
  const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8' })
  if (status === 0) return
  console.error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`)
  process.exit(1)
}

if (import.meta.main) ensureServers()
