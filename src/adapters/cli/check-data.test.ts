import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { temporaryFolder } from '../../testing/folder.ts'
import { configSecretsCheck, privateFilesCheck } from './check-data.ts'

const never = new AbortController().signal

suite('doctor: files that hold secrets', () => {
  const rows: [why: string, plain: readonly string[], mode: number, is: string, says: RegExp][] = [
    ['none in it', [], 0o644, 'ok', /none in cleartext/],
    ['for its owner alone', ['token'], 0o600, 'note', /owner alone: token/],
    ['for everybody', ['broker.users[0].password'], 0o644, 'warning', /others can read .*broker\.users\[0\]\.password/],
    ['for a group', ['token'], 0o640, 'warning', /others can read/],
  ]
  for (const [why, plain, mode, is, says] of rows)
    test(`the configuration, ${why}: ${is}`, async (t) => {
      const file = join(temporaryFolder(t), 'alicia.json')
      writeFileSync(file, '{}')
      chmodSync(file, mode)
      const finding = await configSecretsCheck(file, plain).run(never)
      assert.equal(finding.is, is)
      assert.match(finding.text, says)
      if (finding.is === 'warning') assert.match(finding.fix, /chmod 600 .*alicia secret set/)
    })

  for (const name of ['token', 'secret.key', 'keys.json', 'secrets.json', 'audit-keys.json'])
    test(`${name} that others can read`, async (t) => {
      const folder = temporaryFolder(t)
      writeFileSync(join(folder, name), '', { mode: 0o600 })
      assert.equal((await privateFilesCheck(folder).run(never)).is, 'ok')
      chmodSync(join(folder, name), 0o604)
      assert.equal((await privateFilesCheck(folder).run(never)).is, 'failed')
    })
})
