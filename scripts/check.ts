/** `npm run check`: format, lint, types, unused code, generated files, dependencies, unit tests. Everything runs; then it fails. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

type Command = readonly [command: string, ...args: string[]]

/** Commands of one step run side by side. */
const STEPS: readonly (readonly [name: string, ...commands: Command[]])[] = [
  ['format', ['oxfmt', '--check']],
  ['lint', ['oxlint', '--type-aware', '--quiet']],
  ['types', ['tsc', '-p', '.']],
  ['unused', ['knip', '--no-progress']],
  ['generated', [process.execPath, 'scripts/docs.ts', '--check']],
  ['dependencies', [process.execPath, 'scripts/dependencies.ts']],
  [
    'unit tests',
    ...[1, 2].map((half): Command => [process.execPath, 'scripts/test.ts', '--unit', `--shard=${half}/2`]),
  ],
]

/** What it said, where it failed. */
async function complaint([command, ...args]: Command): Promise<string | undefined> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => said.push(text))
  const [status] = (await once(child, 'close')) as [number | null]
  return status === 0 ? undefined : said.join('')
}

let failed = false
for (const [name, ...commands] of STEPS) {
  const startMs = performance.now()
  const complaints = (await Promise.all(commands.map(complaint))).filter((text) => text !== undefined)
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
  console.log(`${complaints.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
  for (const text of complaints) console.log(text)
  failed ||= complaints.length > 0
}
process.exit(failed ? 1 : 0)
