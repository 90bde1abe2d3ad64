import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../src/testing/folder.ts'
import type { Check } from './support/conformance.ts'
import { runProgram } from './support/program.ts'

const SUITE = fileURLToPath(new URL('../node_modules/.bin/conformance', import.meta.url))
const CLIENT = fileURLToPath(new URL('support/conformance-client.ts', import.meta.url))

/**
 * The suite's client scenarios by revision, each with the checks that succeed in it. All there are but those about logging
 * in, and those about loading skills (SEP-2640), which is the business of whoever is behind the hub.
 */
const PASSES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  '2025-06-18': { initialize: 1, tools_call: 2 },
  '2025-11-25': {
    initialize: 1,
    tools_call: 2,
    'elicitation-sep1034-client-defaults': 5,
    'sse-retry': 3,
    'json-schema-2020-12-preservation': 9,
  },
  '2026-07-28': {
    tools_call: 2,
    'request-metadata': 8,
    'sep-2322-client-request-state': 5,
    'http-standard-headers': 9,
    'http-custom-headers': 18,
    'http-invalid-tool-headers': 12,
    'json-schema-ref-no-deref': 1,
    'json-schema-2020-12-preservation': 9,
  },
}

suite('the official conformance suite on the connector to other servers', () => {
  for (const [revision, scenarios] of Object.entries(PASSES))
    for (const [scenario, successes] of Object.entries(scenarios))
      test(`${revision}: ${scenario}`, async (t) => {
        const folder = temporaryFolder(t)
        const command = `${process.execPath} ${CLIENT}`
        const args = [SUITE, 'client', '--command', command, '--scenario', scenario, '--spec-version', revision]
        const { stdout, stderr } = await runProgram(process.execPath, [...args, '--output-dir', folder])
        const [results = ''] = readdirSync(folder)
        const checks = JSON.parse(readFileSync(join(folder, results, 'checks.json'), 'utf8')) as Check[]
        const count = (wanted: Check['status']) => checks.filter(({ status }) => status === wanted).length
        assert.equal(count('FAILURE') + count('WARNING'), 0, `${stdout}${stderr}`)
        assert.equal(count('SUCCESS'), successes, stdout)
      })
})
