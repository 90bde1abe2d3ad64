import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { createLog, silentLog } from '../kernel/log.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { loadSecrets } from './secrets.ts'

const newKey = () => randomBytes(32).toString('base64')
const load = (fromEnvironment: string) => loadSecrets({ file: '/nowhere/secret.key', log: silentLog, fromEnvironment })

suite('secrets', () => {
  const secrets = load(newKey())

  test('what was sealed opens again, with the same context only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (plain, context, other) => {
        const sealed = secrets.seal(plain, context)
        assert.match(sealed, /^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$/)
        assert.equal(secrets.open(sealed, context), plain)
        if (other !== context) assert.throws(() => secrets.open(sealed, other), { code: 'storage_failed' })
      }),
      { numRuns: 50 },
    )
  })

  test('sealing the same twice shows nothing of it', () => {
    assert.notEqual(secrets.seal('hunter2', 'broker'), secrets.seal('hunter2', 'broker'))
  })

  test('any changed character is noticed', () => {
    const sealed = secrets.seal('hunter2', 'broker')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+ '
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.constantFrom(...alphabet.split('')), (at, character) => {
        fc.pre(sealed[at] !== character)
        const changed = sealed.slice(0, at) + character + sealed.slice(at + 1)
        assert.throws(() => secrets.open(changed, 'broker'), { code: 'storage_failed' })
      }),
    )
    // The last character has bits to spare: another one would decode to the same bytes.
    for (const character of alphabet.replace(sealed.at(-1) ?? '', ''))
      assert.throws(() => secrets.open(sealed.slice(0, -1) + character, 'broker'), { code: 'storage_failed' })
    for (const cut of [sealed.slice(0, -1), sealed.slice(0, 20), `${sealed}AAAA`, '', 'v1..', 'v2'])
      assert.throws(() => secrets.open(cut, 'broker'), { code: 'storage_failed' })
  })

  test('the first key seals and every key opens', () => {
    const [old, young] = [newKey(), randomBytes(32).toString('hex')]
    const before = load(old)
    const sealed = before.seal('hunter2', 'broker')
    const after = load(`${young}, ${old}`)
    assert.equal(after.open(sealed, 'broker'), 'hunter2')
    assert.deepEqual([before.isStale(sealed), after.isStale(sealed)], [false, true])
    assert.throws(() => load(young).open(sealed, 'broker'), { code: 'storage_failed', message: /key .* is gone/ })
    assert.throws(() => after.rotateKey(), { code: 'conflict', hint: /ALICIA_SECRET_KEY/ })
  })

  const weak: [why: string, key: string, says: RegExp][] = [
    ['empty', '', /not 32 bytes/],
    ['a password', 'correct horse battery staple', /not 32 bytes/],
    ['16 bytes', randomBytes(16).toString('base64'), /not 32 bytes/],
    ['64 bytes', randomBytes(64).toString('base64'), /not 32 bytes/],
    ['zeros', '0'.repeat(64), /too regular/],
    ['a pattern', 'deadbeef'.repeat(8), /too regular/],
    ['a good one and a bad one', `${newKey()},short`, /not 32 bytes/],
  ]
  for (const [why, key, says] of weak)
    test(`refuses a key: ${why}`, () =>
      assert.throws(
        () => load(key),
        (fault: Error & { hint?: string }) => {
          assert.match(fault.message, says)
          assert.match(fault.hint ?? '', /openssl rand/)
          if (key !== '') assert.ok(!fault.message.includes(key))
          return true
        },
      ))

  test('the key file is made for its owner, keeps its keys, and takes new ones', (t) => {
    const file = join(temporaryFolder(t), 'secret.key')
    const first = loadSecrets({ file, log: silentLog })
    const sealed = first.seal('hunter2', 'broker')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    first.rotateKey()
    assert.ok(first.isStale(sealed))
    const second = loadSecrets({ file, log: silentLog })
    assert.equal(second.open(sealed, 'broker'), 'hunter2')
    assert.equal(second.open(first.seal('new', 'broker'), 'broker'), 'new')
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).keys.length, 2)
  })

  test('a key file that others can read is closed to them, with a warning', (t) => {
    const file = join(temporaryFolder(t), 'secret.key')
    loadSecrets({ file, log: silentLog })
    chmodSync(file, 0o644)
    const lines: string[] = []
    loadSecrets({ file, log: createLog({ level: 'warn', write: (line) => lines.push(line) }) })
    assert.match(lines.join(''), /could be read by other users. It is closed to them now/)
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  for (const [why, text] of [
    ['no JSON', 'kEy+'],
    ['no keys', '{"keys":[]}'],
    ['another form', '{"key":"kEy+"}'],
  ] as const)
    test(`refuses a key file with ${why}, and does not quote it`, (t) => {
      const file = join(temporaryFolder(t), 'secret.key')
      writeFileSync(file, text, { mode: 0o600 })
      assert.throws(
        () => loadSecrets({ file, log: silentLog }),
        (fault: Error) => /secret\.key is not/.test(fault.message) && !/kEy/.test(String(fault.cause)),
      )
      assert.equal(readFileSync(file, 'utf8'), text, 'it is left as it was')
    })
})
