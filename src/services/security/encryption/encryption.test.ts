import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { loadSecrets, type Keyring } from '../../../engines/secrets.ts'
import type { Caller } from '../../../kernel/caller.ts'
import { heldClock } from '../../../kernel/clock.ts'
import type { Fault } from '../../../kernel/fault.ts'
import type { SealedText } from '../../../kernel/keys.ts'
import { silentLog } from '../../../kernel/log.ts'
import { callerWith, owner, testDoor } from '../../../testing/hub.ts'
import { encryptionOperations, startEncryption } from './encryption.ts'

const person = (name: string, ...scopes: string[]): Caller => ({
  ...callerWith('crypto:*', ...scopes),
  id: `token-of-${name}`,
  name,
  person: `person-${name}`,
})
const [ada, bob] = [person('ada'), person('bob')]

interface Encryption {
  readonly keyring: Keyring
  call(operation: string, input: object, caller?: Caller): Promise<Record<string, unknown>>
}

function start(t: TestContext): Encryption {
  const fromEnvironment = randomBytes(32).toString('hex')
  const keyring = loadSecrets({ file: '', log: silentLog, fromEnvironment })
  const { deps, stop } = startEncryption({ keys: keyring, clock: heldClock(), log: silentLog })
  t.after(stop)
  const door = testDoor(encryptionOperations.map((operation) => operation.bind(deps)))
  return {
    keyring,
    call: async (operation, input, caller = ada) =>
      (await door.invoke({ operation: `security.${operation}`, input, caller })) as Record<string, unknown>,
  }
}

/** All that whoever asked is told. */
const told = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.fail('It was not refused.'),
    (fault: Fault) => [fault.code, fault.message, fault.hint, fault.details],
  )

suite('encryption', () => {
  test('what was encrypted comes back, of whatever form, with key and version', async (t) => {
    const { call } = start(t)
    await call('create_key', { name: 'diary' })
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string())
    await fc.assert(
      fc.asyncProperty(texts, fc.string(), async (plaintext, associated_data) => {
        const text = Buffer.from(plaintext).toString()
        const { ciphertext, key, version } = await call('encrypt', { plaintext: text, key: 'diary', associated_data })
        assert.match(String(ciphertext), /^v2\.diary\.1\./)
        assert.deepEqual([key, version], ['diary', 1])
        const back = await call('decrypt', { ciphertext, associated_data })
        assert.deepEqual(back, { plaintext: text, encoding: 'text', key: 'diary', version: 1 })
      }),
      { numRuns: 30 },
    )
  })

  test('bytes go in and out as base64; what is no text comes out so by itself', async (t) => {
    const { call } = start(t)
    const bytes = Buffer.from([0, 255, 254, 128]).toString('base64')
    const { ciphertext } = await call('encrypt', { plaintext: bytes, encoding: 'base64' })
    for (const encoding of ['text', 'base64'])
      assert.partialDeepStrictEqual(await call('decrypt', { ciphertext, encoding }), {
        plaintext: bytes,
        encoding: 'base64',
      })
    for (const plaintext of ['AA', 'A===', 'AAA=\n', 'AA-_'])
      await assert.rejects(call('encrypt', { plaintext, encoding: 'base64' }), { code: 'invalid_input' })
  })

  test('one refusal for whatever is wrong with a ciphertext, and nothing else in it', async (t) => {
    const { call, keyring } = start(t)
    await call('create_key', { name: 'diary' })
    await call('create_key', { name: 'bobs' }, bob)
    const { ciphertext } = await call('encrypt', { plaintext: 'secret', key: 'diary', associated_data: 'a' })
    const text = String(ciphertext)
    const ofBob = (await call('encrypt', { plaintext: 'x', key: 'bobs', associated_data: 'a' }, bob))['ciphertext']
    const [form, key, version, id, bytes] = text.split('.')
    const wrong: Record<string, string> = {
      'another version': [form, key, 2, id, bytes].join('.'),
      'another key': [form, 'bobs', version, id, bytes].join('.'),
      'an unknown key': [form, 'nobodys', version, id, bytes].join('.'),
      'another id': [form, key, version, '00000000', bytes].join('.'),
      'somebody else’s': String(ofBob),
      'what the hub sealed': keyring.seal('secret', 'a'),
      'an older form': `v1.${id}.${bytes}`,
      'no ciphertext': 'hello',
      empty: '',
      cut: text.slice(0, -4),
      'with more behind': `${text}AAAA`,
    }
    const one = await told(call('decrypt', { ciphertext, associated_data: 'b' }))
    assert.equal(one[0], 'invalid_input')
    for (const [why, tampered] of Object.entries(wrong))
      for (const operation of ['decrypt', 'rewrap'])
        assert.deepEqual(await told(call(operation, { ciphertext: tampered, associated_data: 'a' })), one, why)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length - 1),
        fc.constantFrom('A', 'a', '0', '-', '_', '.', ' '),
        async (at, character) => {
          fc.pre(text[at] !== character)
          const changed = text.slice(0, at) + character + text.slice(at + 1)
          assert.deepEqual(await told(call('decrypt', { ciphertext: changed, associated_data: 'a' })), one)
        },
      ),
    )
  })

  test('what callers encrypt is never what the hub stores, whatever associated data they choose', async (t) => {
    const { call, keyring } = start(t)
    const { ciphertext } = await call('encrypt', { plaintext: '{"password":"x"}', associated_data: 'mqtt session 1' })
    const [, , version, , bytes] = String(ciphertext).split('.')
    const [, , , hubId] = keyring.seal('x', 'y').split('.')
    for (const forged of [String(ciphertext), ['v2', 'hub', version, hubId, bytes].join('.')])
      assert.throws(() => keyring.open(forged, 'mqtt session 1'), { code: 'storage_failed' })
    for (const key of ['hub', 'root'])
      await assert.rejects(call('encrypt', { plaintext: 'x', key }, owner), { code: 'not_found' })
  })

  const rows: [access: string | undefined, who: Caller, may: boolean][] = [
    [undefined, ada, true],
    [undefined, bob, false],
    [undefined, owner, false],
    ['me', { ...ada, id: 'token-other' }, true],
    ['everyone', bob, true],
    ['devices:write@room/kitchen', bob, false],
    ['devices:write@room/kitchen', person('cleo', 'devices:write@room/attic'), false],
    ['devices:write@room/kitchen', person('cleo', 'devices:*@room/kitchen'), true],
    ['devices:write@room/kitchen', person('cleo', 'devices:write'), true],
    ['devices:write@room/kitchen', ada, true],
  ]
  for (const [access, who, may] of rows)
    test(`a key of ada's for ${access ?? 'nobody said whom'}: ${who.name} (${who.scopes.join(' ')}) ${may ? 'may' : 'may not'}`, async (t) => {
      const { call } = start(t)
      await call('create_key', { name: 'shared', ...(access !== undefined && { for: access }) })
      const { ciphertext } = await call('encrypt', { plaintext: 'x', key: 'shared' })
      const listed = (await call('list_keys', {}, who))['keys'] as { name: string; usable: boolean }[]
      assert.equal(listed.find(({ name }) => name === 'shared')?.usable ?? false, may)
      if (may) {
        assert.equal((await call('decrypt', { ciphertext }, who))['plaintext'], 'x')
        await call('encrypt', { plaintext: 'x', key: 'shared' }, who)
        return
      }
      const unknown = await told(call('encrypt', { plaintext: 'x', key: 'shares' }, who))
      const refused = await told(call('encrypt', { plaintext: 'x', key: 'shared' }, who))
      assert.equal(JSON.stringify(refused), JSON.stringify(unknown).replaceAll('shares', 'shared'))
      await assert.rejects(call('decrypt', { ciphertext }, who), { code: 'invalid_input' })
      await assert.rejects(call('rewrap', { ciphertext }, who), { code: 'invalid_input' })
    })

  test('rotation: new texts get the new version, old ones decrypt, and rewrap brings them there unseen', async (t) => {
    const { call } = start(t)
    await call('create_key', { name: 'diary' })
    const { ciphertext: old } = await call('encrypt', { plaintext: 'x', key: 'diary', associated_data: 'a' })
    assert.deepEqual(await call('rotate_key', { name: 'diary' }), { name: 'diary', version: 2 })
    assert.equal((await call('encrypt', { plaintext: 'y', key: 'diary' }))['version'], 2)
    const input = { ciphertext: old, associated_data: 'a' }
    assert.equal((await call('decrypt', input))['plaintext'], 'x')
    const { ciphertext, version, changed, ...more } = await call('rewrap', input)
    assert.deepEqual([version, changed, more], [2, true, { key: 'diary' }])
    assert.equal((await call('decrypt', { ciphertext, associated_data: 'a' }))['plaintext'], 'x')
    assert.deepEqual(await call('rewrap', { ciphertext, associated_data: 'a' }), {
      ciphertext,
      key: 'diary',
      version: 2,
      changed: false,
    })
    await assert.rejects(call('destroy_key_version', { name: 'diary', version: 2 }), { code: 'conflict' })
    await assert.rejects(call('destroy_key_version', { name: 'diary', version: 1 }), {
      code: 'conflict',
      message: /at most: 65536/,
    })
    await call('destroy_key_version', { name: 'diary', version: 1, accept_loss: true })
    await assert.rejects(call('decrypt', input), { code: 'invalid_input' })
    assert.equal((await call('decrypt', { ciphertext, associated_data: 'a' }))['plaintext'], 'x')
    await assert.rejects(call('destroy_key_version', { name: 'diary', version: 1 }), { code: 'not_found' })
  })

  test('keys of others, of the hub and the root key are rotated by whoever may do everything, and nobody else', async (t) => {
    const { call, keyring } = start(t)
    keyring.seal('x', 'y')
    await call('create_key', { name: 'diary' })
    for (const name of ['diary', 'hub', 'root', 'nobodys']) {
      assert.equal((await told(call('rotate_key', { name }, bob)))[0], 'not_found')
      if (name !== 'root')
        assert.equal((await told(call('destroy_key_version', { name, version: 1 }, bob)))[0], 'not_found')
    }
    assert.equal((await call('list_keys', {}, bob))['root'], undefined)
    for (const name of ['diary', 'hub']) assert.equal((await call('rotate_key', { name }, owner))['version'], 2)
    const listed = await call('list_keys', {}, owner)
    assert.deepEqual(
      (listed['keys'] as { name: string; usable: boolean }[]).map(({ name, usable }) => [name, usable]),
      [
        ['diary', false],
        ['hub', false],
      ],
    )
    assert.partialDeepStrictEqual(listed['root'], { source: 'environment', retired: 0 })
    await assert.rejects(call('rotate_key', { name: 'root' }, owner), { code: 'conflict', hint: /ALICIA_SECRET_KEY/ })
  })

  test('an old version of the hub’s key goes when nothing stored needs it, and says first what would be lost', async (t) => {
    const { call, keyring } = start(t)
    const texts = new Map<string, SealedText>()
    for (let number = 0; number < 250; number++) {
      const id = String(number).padStart(4, '0')
      texts.set(id, { id, sealed: keyring.seal(`secret ${id}`, id), context: id })
    }
    keyring.tend({
      what: 'test texts',
      read: async (after = '', most) => [...texts.values()].filter(({ id }) => id > after).slice(0, most),
      replace: async (text, sealed) => void texts.set(text.id, { ...text, sealed }),
    })
    texts.set('0007', { id: '0007', sealed: 'v2.hub.1.00000000.AAAA', context: '0007' })
    keyring.rotate('hub')
    await assert.rejects(call('destroy_key_version', { name: 'hub', version: 1 }, owner), {
      code: 'conflict',
      message: /test texts: 249/,
    })
    assert.deepEqual(await call('rewrap_secrets', {}, owner), {
      rewrapped: 249,
      current: 0,
      unreadable: { 'test texts': 1 },
    })
    assert.deepEqual((await call('destroy_key_version', { name: 'hub', version: 1 }, owner))['lost'], {})
    for (const [id, { sealed }] of texts) if (id !== '0007') assert.equal(keyring.open(sealed, id), `secret ${id}`)
  })

  for (const [why, input] of [
    ['a name with capitals', { name: 'Diary' }],
    ['a name with a dot', { name: 'a.b' }],
    ['no name', { name: '' }],
    ['the hub’s', { name: 'hub' }],
    ['the root’s', { name: 'root' }],
    ['a grant that is none', { name: 'a', for: 'devices' }],
  ] as const)
    test(`refuses a key: ${why}`, async (t) => {
      await assert.rejects(start(t).call('create_key', input), { code: 'invalid_input' })
    })

  test('a name is taken once, also by somebody who cannot see it', async (t) => {
    const { call } = start(t)
    await call('create_key', { name: 'diary' })
    await assert.rejects(call('create_key', { name: 'diary' }, bob), { code: 'conflict' })
  })
})
