import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { Fault } from '../../kernel/fault.ts'
import { makeHeader, readHeader, type BackupSecret } from './header.ts'
import { formatRecoveryKey, newRecoveryKey, parseRecoveryKey } from './recovery-key.ts'

const cost = { memory: 64, passes: 1, parallelism: 1 }

suite('header of a backup', () => {
  const secrets: BackupSecret[] = [
    { is: 'passphrase', passphrase: 'correct horse battery staple' },
    { is: 'recovery', key: newRecoveryKey() },
  ]
  for (const secret of secrets)
    test(`every single bit counts: ${secret.is}`, async () => {
      const { bytes, payloadKey } = await makeHeader(secret, cost)
      const payload = Buffer.from('and what comes behind')
      const read = (header: Buffer) => readHeader(Buffer.concat([header, payload]))
      assert.deepEqual(await read(bytes).open(secret), payloadKey)
      assert.equal(read(bytes).length, bytes.length)
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const damaged = Buffer.from(bytes)
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        await assert.rejects(
          async () => await read(damaged).open(secret),
          (fault: Fault) => /^(invalid_input|storage_failed)$/.test(fault.code),
          `bit ${bit}`,
        )
      }
    })

  test('the same letters typed on another system are the same passphrase', async () => {
    const composed = { is: 'passphrase', passphrase: 'crème brûlée à la carte' } as const
    const { bytes, payloadKey } = await makeHeader(composed, cost)
    const decomposed = { is: 'passphrase', passphrase: composed.passphrase.normalize('NFD') } as const
    assert.notEqual(decomposed.passphrase, composed.passphrase)
    assert.deepEqual(await readHeader(bytes).open(decomposed), payloadKey)
  })

  test('two backups with one passphrase have nothing in common', async () => {
    const [one, other] = await Promise.all(
      secrets.slice(0, 1).flatMap((s) => [makeHeader(s, cost), makeHeader(s, cost)]),
    )
    assert.ok(one && other && !one.payloadKey.equals(other.payloadKey) && !one.bytes.equals(other.bytes))
  })

  test('a recovery key is written and read the same, and nothing else is one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        assert.deepEqual(parseRecoveryKey(formatRecoveryKey(bytes)), Buffer.from(bytes))
      }),
    )
    for (const text of [
      '',
      'a',
      newRecoveryKey().slice(1),
      `${newRecoveryKey()}a`,
      newRecoveryKey().replace(/^./, '1'),
    ])
      assert.equal(parseRecoveryKey(text), undefined)
  })

  test('whatever else a file begins with, it is refused with a fault', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(`alicia-backup 1\n${text}\nx\n`)),
        ),
        (bytes) => {
          assert.throws(() => readHeader(Buffer.from(bytes)), { name: 'Fault' })
        },
      ),
    )
  })
})
