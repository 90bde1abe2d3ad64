/** `npm run check`: format, lint, types, unused code, generated files, unit tests. Everything runs; then it fails. */
import { spawnSync } from 'node:child_process'

const STEPS: [name: string, command: string, ...args: string[]][] = [
  ['format', 'oxfmt', '--check'],
  ['lint', 'oxlint', '--type-aware', '--quiet'],
  ['types', 'tsc', '-p', '.'],
  ['unused', 'knip', '--no-progress'],
  ['generated', process.execPath, 'scripts/docs.ts', '--check'],
  ['unit tests', process.execPath, 'scripts/test.ts', '--unit'],
]

const failed = STEPS.filter(([name, command, ...args]) => {
  const startMs = performance.now()
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
  if (status !== 0) console.log(`${stdout}${stderr}`)
  return status !== 0
})
process.exit(failed.length === 0 ? 0 : 1)
