import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startHub } from './support/hub.ts'
import { runProgram } from './support/program.ts'
import { withToken } from './support/with-token.ts'

const SUITE = fileURLToPath(new URL('../node_modules/.bin/conformance', import.meta.url))

/**
 * The official suite's scenarios that need no special fixture in the server. The others ask for tools, prompts and
 * resources made for the suite (`test_simple_text` and so on), which a home does not have.
 */
const PASSES: Readonly<Record<string, readonly string[]>> = {
  '2025-11-25': [
    'server-initialize',
    'logging-set-level',
    'ping',
    'tools-list',
    'server-sse-multiple-streams',
    'dns-rebinding-protection',
    'server-session-lifecycle',
  ],
  '2026-07-28': [
    'server-stateless',
    'tools-list',
    'server-sse-multiple-streams',
    'dns-rebinding-protection',
    'http-header-validation',
    'sep-2164-resource-not-found',
    'input-required-result-missing-input-response',
    'input-required-result-unsupported-methods',
    'input-required-result-ignore-extra-params',
    'input-required-result-validate-input',
  ],
}

interface Check {
  id: string
  status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  errorMessage?: string
}

suite('the official conformance suite', () => {
  for (const [revision, scenarios] of Object.entries(PASSES))
    test(revision, async (t) => {
      const hub = await startHub(t)
      const url = `${await withToken(t, hub.urls.http, hub.token)}/mcp`
      const output = join(hub.home.folder, 'results')
      const args = [SUITE, 'server', '--url', url, '--requirements', revision, '--output-dir', output]
      const { stdout } = await runProgram(process.execPath, args, { env: hub.home.env })
      const folders = readdirSync(output)
      for (const scenario of scenarios) {
        const folder = folders.find((name) => new RegExp(`^server-${scenario}-\\d{4}-`).test(name))
        assert.ok(folder, `${scenario} did not run:\n${stdout}`)
        const checks = JSON.parse(readFileSync(join(output, folder, 'checks.json'), 'utf8')) as Check[]
        const failed = checks.filter(
          ({ status, errorMessage = '' }) => status === 'FAILURE' && !isUntestable(errorMessage),
        )
        assert.deepEqual(failed, [], scenario)
        assert.ok(
          checks.some(({ status }) => status === 'SUCCESS'),
          scenario,
        )
      }
      assert.equal(hub.stderr(), '', 'nothing that a client of the protocol does is worth a line in the log')
    })
})

/** The suite counts a check that needs one of its own tools as failed. */
const isUntestable = (message: string) => message.startsWith('Not testable')
