/**
 * Runs the tests: `npm test`, or `npm test -- <part of a file name>…`; `--unit` leaves out those that need other
 * people's servers. One process for all files: starting one per file would take twenty times as long.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { ensureServers } from './ensure-servers.ts'

const args = process.argv.slice(2)
const unitOnly = args.includes('--unit')
/** `--shard=1/2`: the first half of the files, for two processes side by side. */
const shard = args.find((arg) => /^--shard=\d+\/\d+$/.test(arg))
const wanted = args.filter((arg) => !arg.startsWith('-'))
const unknown = args.filter((arg) => arg.startsWith('-') && arg !== '--unit' && arg !== shard)
if (unknown.length > 0) {
  console.error(`Unknown option ${unknown.join(' ')}: there is --unit, and parts of file names.`)
  process.exit(2)
}
const files = globSync(unitOnly ? 'src/**/*.test.ts' : '{src,e2e,examples,deploy,scripts,fuzz}/**/*.test.ts')
  .filter((file) => !unitOnly || !file.endsWith('.server.test.ts'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .toSorted()
  .filter((_, at) => isInShard(at))
if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(' ')}.`)
  process.exit(2)
}
if (!unitOnly) ensureServers()
function isInShard(at: number): boolean {
  const [number = 1, of = 1] = shard?.slice('--shard='.length).split('/').map(Number) ?? []
  return at % of === number - 1
}

const flags = ['--test', '--test-isolation=none', '--test-timeout=120000', '--disable-warning=ExperimentalWarning']
const { status, signal } = spawnSync(process.execPath, [...flags, ...files], { stdio: 'inherit' })
if (signal) console.error(`The test run was ended by ${signal}.`)
process.exit(status ?? 1)
