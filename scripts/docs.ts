/**
 * Writes docs/reference/ and the marked block of the README from the schemas and tables in the source.
 * `--check` writes nothing, and fails with the list of files that are not what they would be.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openapi } from '../src/adapters/rest/openapi.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { createEvents } from '../src/kernel/events.ts'
import { silentLog } from '../src/kernel/log.ts'
import { createRegistry, type Entry } from '../src/kernel/registry.ts'
import { services } from '../src/services.ts'
import { cliPage } from './reference/cli.ts'
import { configurationPage, configurationTable } from './reference/configuration.ts'
import { faultsPage } from './reference/faults.ts'
import { operationsPage } from './reference/operations.ts'
import { serversPage } from './reference/servers.ts'

const root = dirname(import.meta.dirname)
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

const START = '<!-- config:start -->'
const END = '<!-- config:end -->'

/** The operations of every service, none of which has to run for that. */
function entriesOf(): readonly Entry[] {
  const events = createEvents((error) => {
    throw error
  })
  const registry = createRegistry(events)
  const surroundings = { clock: systemClock, events, log: silentLog }
  for (const service of services) service.join(surroundings, registry, () => ({ status: 'unknown', sinceMs: 0 }))
  return registry.list()
}

/** Where there is a README with the two marks, what it should be. */
function readme(): [string, string][] {
  const path = join(root, 'README.md')
  if (!existsSync(path)) return []
  const text = readFileSync(path, 'utf8')
  const [start, end] = [text.indexOf(START), text.indexOf(END)]
  if (start === -1 || end < start) throw new TypeError(`README.md has no ${START} … ${END} block.`)
  return [['README.md', `${text.slice(0, start + START.length)}\n${configurationTable()}\n${text.slice(end)}`]]
}

const entries = entriesOf()
const files = new Map([
  ['docs/reference/operations.md', operationsPage(services, entries)],
  ['docs/reference/faults.md', faultsPage()],
  ['docs/reference/configuration.md', configurationPage()],
  ['docs/reference/cli.md', cliPage(version)],
  ['docs/reference/servers.md', serversPage()],
  ['docs/reference/openapi.json', `${JSON.stringify(openapi({ entries, version }), null, 2)}\n`],
  ...readme(),
])

const drifted = [...files].filter(([path, text]) => {
  const full = join(root, path)
  return !existsSync(full) || readFileSync(full, 'utf8') !== text
})

if (process.argv.includes('--check')) {
  for (const [path] of drifted) console.error(`${path} is not what its source says; run "npm run docs".`)
  if (drifted.length > 0) process.exitCode = 1
} else {
  for (const [path, text] of drifted) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    console.log(`wrote ${path}`)
  }
}
