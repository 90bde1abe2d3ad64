import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Home } from './hub.ts'
import { startProgram, within } from './program.ts'

const PROGRAM = fileURLToPath(new URL('../../node_modules/.bin/conformance', import.meta.url))

/** The whole suite waits for tasks and streams of the server; a hub in between must not take longer than this. */
const MOST_MS = 100_000

/** One thing the suite looked at. */
export interface Check {
  readonly id: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  readonly errorMessage?: string
}

export interface Scenario {
  /** Nothing failed. */
  readonly passed: boolean
  readonly checks: readonly Check[]
}

/** What a run of the suite found, by the scenario's name. */
export type SuiteRun = ReadonlyMap<string, Scenario>

/** Runs the official suite's scenarios for a revision against the server at this address. */
export async function runSuite(home: Home, url: string, requirements: '2025-11-25' | '2026-07-28'): Promise<SuiteRun> {
  const output = join(home.folder, `results-${requirements}-${new URL(url).port}`)
  const args = [PROGRAM, 'server', '--url', url, '--requirements', requirements, '--output-dir', output]
  const program = startProgram(process.execPath, args, { env: home.env })
  home.after(() => program.end())
  program.closeInput()
  await within(program.ended, 'the conformance suite', MOST_MS)
  const run = new Map<string, Scenario>()
  for (const folder of readdirSync(output).toSorted()) {
    const [, name] = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(folder) ?? []
    if (name === undefined) continue
    const checks = JSON.parse(readFileSync(join(output, folder, 'checks.json'), 'utf8')) as Check[]
    run.set(name, { checks, passed: checks.every(({ status }) => status !== 'FAILURE') })
  }
  return run
}

/** How many checks succeeded. */
export const successes = (run: SuiteRun): number =>
  [...run.values()].flatMap(({ checks }) => checks).filter(({ status }) => status === 'SUCCESS').length

/** The scenarios that passed. */
export const passedIn = (run: SuiteRun): string[] => [...run].filter(([, { passed }]) => passed).map(([name]) => name)

/**
 * Every check that was better without what stands between: success that was lost, a warning that is new. Each begins with
 * `scenario/check`. What was information only is no loss.
 */
export function losses(direct: SuiteRun, between: SuiteRun): string[] {
  return [...direct].flatMap(([name, { checks }]) => {
    const other = between.get(name)
    if (other === undefined) return [`${name} did not run`]
    const left = [...other.checks]
    const judged = checks.filter(({ status }) => status !== 'INFO')
    return judged.flatMap(({ id, status }) => {
      const same = left.findIndex((check) => check.id === id)
      const [found] = same === -1 ? [] : left.splice(same, 1)
      if (found === undefined) return [`${name}/${id}: ${status} → absent`]
      return RANK[found.status] <= RANK[status] ? [] : [`${name}/${id}: ${status} → ${said(found)}`]
    })
  })
}

/** What failed in a scenario, in the suite's words. */
export const failuresOf = (run: SuiteRun, name: string): string[] =>
  (run.get(name)?.checks ?? [])
    .filter(({ status }) => status === 'FAILURE')
    .map((check) => `${check.id}: ${said(check)}`)

const RANK: Readonly<Record<Check['status'], number>> = { SUCCESS: 0, INFO: 0, SKIPPED: 1, WARNING: 2, FAILURE: 3 }

const said = ({ status, errorMessage = '' }: Check): string => `${status} ${errorMessage}`.trim()
