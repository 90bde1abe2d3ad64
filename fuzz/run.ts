/**
 * Looks for inputs that a parser does not stand: `npm run fuzz -- [part of a target's name…] [--minutes N] [--runs N] [--seed N]`.
 * `--replay <file>` runs one kept input of the target that is named. Time is shared out evenly. Exits with 1 for findings.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FOLDER, keepFinding, keepInput, readCorpus } from './corpus.ts'
import { runCampaign } from './engine/campaign.ts'
import { startCoverage } from './engine/coverage.ts'
import { findingOf } from './engine/finding.ts'
import { startWatchdog } from './engine/watchdog.ts'
import type { Target } from './target.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '1' },
    runs: { type: 'string' },
    seed: { type: 'string' },
    replay: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
})
startCoverage()
const { TARGETS } = await import('./targets.ts')
const targets = TARGETS.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
)
if (targets.length === 0) fail(`No target's name has ${positionals.join(' or ')} in it: see --list.`)
if (values.list) for (const { name } of targets) console.log(name)
else if (values.replay === undefined) await runAll()
else await replay(values.replay)

async function runAll(): Promise<void> {
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : numberOf(values.seed, '--seed')
  const shareMs = (numberOf(values.minutes, '--minutes') * 60_000) / targets.length
  const mostRuns = values.runs === undefined ? Infinity : numberOf(values.runs, '--runs')
  mkdirSync(FOLDER, { recursive: true })
  const watchdog = startWatchdog(join(FOLDER, 'endless'), 10_000)
  for (const target of targets) {
    const endMs = performance.now() + shareMs
    const outcome = await runCampaign(target, {
      seed,
      isGuided: true,
      corpus: readCorpus(target.name),
      goesOn: (runs) => runs < mostRuns && (values.runs !== undefined || performance.now() < endMs),
      onRun: (input) => watchdog.begin(input),
      onKept: (input) => keepInput(target.name, input),
      onFinding: ({ input, error }) => report(target, input, error),
    })
    const { runs, known, reached } = outcome
    console.log(`${target.name}: ${runs} inputs, ${known} kept, ${reached} characters of source reached (seed ${seed})`)
  }
  await watchdog.stop()
}

async function replay(file: string): Promise<void> {
  for (const target of targets) {
    const found = await findingOf(target, readFileSync(file))
    if (found) report(target, found.input, found.error)
    else console.log(`${target.name}: everything holds`)
  }
}

function report(target: Target, input: Buffer, error: unknown): void {
  process.exitCode = 1
  const file = keepFinding(target.name, input)
  console.error(`\n${target.name}: ${JSON.stringify(input.toString('latin1').slice(0, 300))} (${input.length} bytes)`)
  console.error(error)
  console.error(`Again: npm run fuzz -- ${target.name} --replay ${file}\n`)
}

function numberOf(text: string, option: string): number {
  const number = Number(text)
  return Number.isFinite(number) && number >= 0 ? number : fail(`${option} is a number, not ${text}.`)
}

function fail(why: string): never {
  console.error(why)
  process.exit(2)
}
