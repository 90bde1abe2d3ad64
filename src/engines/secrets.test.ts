import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { createLog, silentLog } from '../kernel/log.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { loadSecrets, type Keyring } from './secrets.ts'

/** A key file and texts as release 0.1 wrote them, before there were data keys. */
const OLD_KEYS = [
  {
    key: 'VYWdcLXgiUQj7ZHQdEly7fOnPTO44NF1U9EQHYPPVRg=',
    created: '2026-11-21T09:42:35.388Z',
  },
  {
    key: 'g0Mycx/R/ks1G5LQLKVEl8tq4e4ZD6WFyLJlkuLwm04=',
    created: '2026-11-21T09:42:35.387Z',
  },
]
const OLD_TEXTS = [
  'v1.52a73d83.Py7JvpOTBA4f3tPSyAR3RK8Sdr8PHJRLqAAxhn_QHhPMEKUkCRWolL9_J9XQmwkg2Q',
  'v1.e8b7d2b7.XxHsegymOi5nGY_YGoRWVv6AFfay6NPteDCJcuQV0uWxHWMJI6-8UM-_ohjVUOkX6A',
]

const newKey = () => randomBytes(32).toString('base64')
const load = (fromEnvironment: string) => loadSecrets({ file: '/nowhere/secret.key', log: silentLog, fromEnvironment })

suite('secrets', () => {
  const secrets = load(newKey())

  test('what was sealed opens again, with the same context only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (plain, context, other) => {
        const sealed = secrets.seal(plain, context)
        assert.match(sealed, /^v2\.hub\.1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$/)
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

  test('root keys of the environment: the first one wraps, all open, and the old one can go after one start', (t) => {
    const keysFile = join(temporaryFolder(t), 'keys.json')
    const [old, young] = [newKey(), randomBytes(32).toString('hex')]
    const start = (fromEnvironment: string) =>
      loadSecrets({ file: '/nowhere/secret.key', log: silentLog, fromEnvironment, keysFile })
    const before = start(old)
    const sealed = before.seal('hunter2', 'broker')
    assert.throws(() => start(young).open(sealed, 'broker'), { code: 'storage_failed', message: /root key .* is gone/ })
    const after = start(`${young}, ${old}`)
    assert.equal(after.open(sealed, 'broker'), 'hunter2')
    after.settle()
    assert.equal(start(young).open(sealed, 'broker'), 'hunter2')
    assert.equal(start(young).isStale(sealed), false, 'a data key stays the same under another root key')
    assert.throws(() => after.rotateRoot(), { code: 'conflict', hint: /ALICIA_SECRET_KEY/ })
  })

  test('what older releases sealed opens, is stale, and opens still when its root key was replaced', (t) => {
    const folder = temporaryFolder(t)
    const [file, keysFile] = [join(folder, 'secret.key'), join(folder, 'keys.json')]
    writeFileSync(file, JSON.stringify({ keys: OLD_KEYS }), { mode: 0o600 })
    const start = () => loadSecrets({ file, log: silentLog, keysFile })
    const first = start()
    const opens = (secrets: Keyring) => {
      for (const text of OLD_TEXTS) {
        assert.equal(secrets.open(text, 'mqtt session 1'), 'sealed by release 0.1')
        assert.equal(secrets.isStale(text), true)
        assert.throws(() => secrets.open(text, 'mqtt session 2'), { code: 'storage_failed' })
      }
    }
    opens(first)
    first.settle()
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).keys.length, 1, 'the older one is kept under the newest')
    opens(start())
    first.rotateRoot()
    opens(first)
    opens(start())
    assert.equal(first.root().retired, 2)
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

  test('both files are made for their owner, and a new version seals while the old one opens', (t) => {
    const folder = temporaryFolder(t)
    const file = join(folder, 'secret.key')
    const first = loadSecrets({ file, log: silentLog })
    const sealed = first.seal('hunter2', 'broker')
    for (const name of ['secret.key', 'keys.json']) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
    assert.equal(first.rotate('hub').versions[0]?.version, 2)
    assert.ok(first.isStale(sealed))
    const second = loadSecrets({ file, log: silentLog })
    assert.equal(second.open(sealed, 'broker'), 'hunter2')
    assert.equal(second.open(first.seal('new', 'broker'), 'broker'), 'new')
    assert.match(second.seal('x', 'y'), /^v2\.hub\.2\./)
  })

  test('a keyring sees at once what another one on the same files has changed', (t) => {
    const file = join(temporaryFolder(t), 'secret.key')
    const [one, other] = [loadSecrets({ file, log: silentLog }), loadSecrets({ file, log: silentLog })]
    const sealed = one.seal('hunter2', 'broker')
    assert.equal(other.open(sealed, 'broker'), 'hunter2')
    other.rotate('hub')
    assert.equal(one.isStale(sealed), true)
    assert.equal(other.open(one.seal('again', 'broker'), 'broker'), 'again')
  })

  test('keys.json without its root key is no reason to make another one', (t) => {
    const folder = temporaryFolder(t)
    const file = join(folder, 'secret.key')
    loadSecrets({ file, log: silentLog }).seal('hunter2', 'broker')
    rmSync(file)
    assert.throws(() => loadSecrets({ file, log: silentLog }), { code: 'storage_failed', message: /root key is gone/ })
    assert.deepEqual(readdirSync(folder).includes('secret.key'), false)
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
