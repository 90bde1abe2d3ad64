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
const CLIENT = fileURLToPath(new URL('support/conformance-login.ts', import.meta.url))

/**
 * The suite's scenarios about logging in, each with the checks that succeed in it. All there are but those of tokens bound to
 * a key (DPoP, SEP-1932), which the connector does not offer.
 */
const PASSES: Readonly<Record<string, number>> = {
  '2025-03-26-oauth-endpoint-fallback': 8,
  '2025-03-26-oauth-metadata-backcompat': 13,
  'authorization-server-migration': 29,
  'basic-cimd': 14,
  'client-credentials-basic': 9,
  'client-credentials-jwt': 9,
  'enterprise-managed-authorization': 10,
  'iss-normalized': 8,
  'iss-not-advertised': 14,
  'iss-supported': 14,
  'iss-supported-missing': 8,
  'iss-unexpected': 8,
  'iss-wrong-issuer': 8,
  'metadata-default': 19,
  'metadata-issuer-mismatch': 3,
  'metadata-var1': 19,
  'metadata-var2': 19,
  'metadata-var3': 19,
  'offline-access-not-supported': 14,
  'offline-access-scope': 12,
  'pre-registration': 14,
  'resource-mismatch': 2,
  'scope-from-scopes-supported': 15,
  'scope-from-www-authenticate': 15,
  'scope-omitted-when-undefined': 15,
  'scope-retry-limit': 10,
  'scope-step-up': 23,
  'token-endpoint-auth-basic': 20,
  'token-endpoint-auth-none': 20,
  'token-endpoint-auth-post': 20,
  'wif-jwt-bearer': 9,
}

suite('the official conformance suite on the login at other servers', { concurrency: 2 }, () => {
  for (const [scenario, successes] of Object.entries(PASSES))
    test(scenario, async (t) => {
      const folder = temporaryFolder(t)
      const command = `${process.execPath} ${CLIENT}`
      const args = [SUITE, 'client', '--command', command, '--scenario', `auth/${scenario}`, '--output-dir', folder]
      const { stdout, stderr } = await runProgram(process.execPath, args)
      const [results = ''] = readdirSync(join(folder, 'auth'))
      const checks = JSON.parse(readFileSync(join(folder, 'auth', results, 'checks.json'), 'utf8')) as Check[]
      const count = (wanted: Check['status']) => checks.filter(({ status }) => status === wanted).length
      assert.equal(count('FAILURE') + count('WARNING'), 0, `${stdout}${stderr}`)
      assert.equal(count('SUCCESS'), successes, stdout)
    })
})
