import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { z } from 'zod'
import { createLog } from './log.ts'
import { operation } from './operation.ts'
import { createRedaction, REDACTED } from './redact.ts'
import { looksSecret, secretPaths } from './secret-names.ts'
import { visibleText } from './visible-text.ts'

const redact = createRedaction()
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(redact(value)))
const JWT = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJvd25lciJ9.c2lnbmF0dXJl'

suite('redaction', () => {
  const secretNames =
    'password userPassword door_pin PIN apiKey api-key x-api-key code accessToken refresh_token'.split(' ')
  for (const name of [...secretNames, 'Authorization', 'set-cookie', 'clientsecret', 'one-time code', 'key'])
    test(`a name that looks secret: ${name}`, () => assert.equal(looksSecret(name), true))
  for (const name of 'topic pinned spinning keyboard monkey encoded barcodes author payload session_id decode'.split(
    ' ',
  ))
    test(`a name that does not: ${name}`, () => assert.equal(looksSecret(name), false))

  const table: readonly [what: string, value: unknown, kept: unknown][] = [
    ['ordinary arguments stay', { topic: 'a/b', qos: 1, retain: true }, { topic: 'a/b', qos: 1, retain: true }],
    ['a secret by its name, deep down', { a: [{ password: 'x', n: 1 }] }, { a: [{ password: REDACTED, n: 1 }] }],
    ['a tree below such a name', { token: { value: 'x' } }, { token: REDACTED }],
    ['whether there is one is none', { token: true, key: null }, { token: true, key: null }],
    ['a JWT within text', { note: `use ${JWT} now` }, { note: `use ${REDACTED} now` }],
    ['a token of ours', ['alicia_0123456789abcdef'], [REDACTED]],
    ['a PEM block', 'x -----BEGIN PRIVATE KEY-----\nMIIE\n', `x ${REDACTED}`],
    ['userinfo with an @', 'mqtt://me:hunt@er2@host', `mqtt://${REDACTED}@host`],
    ['long userinfo', `mqtt://me:${'x9'.repeat(200)}@host`, `mqtt://${REDACTED}@host`],
    ['userinfo of an address', 'mqtt://me:hunter2@host:1883/x', `mqtt://${REDACTED}@host:1883/x`],
    ['a header', 'Authorization: Bearer abcdef123456', `Authorization: ${REDACTED} ${REDACTED}`],
    ['name and value in text', 'user=a&password=hunter2&x=1', `user=a&password=${REDACTED}&x=1`],
    ['a secret of several words, quoted', 'pin: "1 2" ok; secret=\'a b\'', `pin: ${REDACTED} ok; secret=${REDACTED}`],
    ['a quoted secret that was cut off', '{"password":"my sec', `{"password":${REDACTED}`],
    ['JSON in a payload', { payload: '{"on":true,"pin":1234}' }, { payload: `{"on":true,"pin":"${REDACTED}"}` }],
    ['bytes', { data: Buffer.from('hunter2') }, { data: '[7 bytes]' }],
    [
      'a member called __proto__',
      JSON.parse('{"__proto__":{"pin":1}}'),
      JSON.parse('{"__proto__":{"pin":"[redacted]"}}'),
    ],
    ['lines and escapes', 'a\nb\u001b[2J\u202Ec\u2028', 'a\\u{a}b\\u{1b}[2J\\u{202e}c\\u{2028}'],
    ['a function', { f: () => 1, n: 2 }, { n: 2 }],
  ]
  for (const [what, value, kept] of table) test(what, () => assert.deepEqual(plain(value), kept))

  test('paths of the configuration, by their end, with * for any name; lists have no level of their own', () => {
    const own = createRedaction({ paths: ['payload.state', 'rooms.*.alarm'] })
    const value = {
      payload: { state: 'x', other: 1 },
      state: 'y',
      rooms: [{ hall: { alarm: 7 } }],
      text: { payload: '{"state":"z"}' },
    }
    assert.deepEqual(JSON.parse(JSON.stringify(own(value))), {
      payload: { state: REDACTED, other: 1 },
      state: 'y',
      rooms: [{ hall: { alarm: REDACTED } }],
      text: { payload: `{"state":"${REDACTED}"}` },
    })
  })

  test('what a schema says is secret; the published schema says it in standard words', () => {
    const { meta } = operation()({
      name: 'alarm.arm',
      summary: 'Arm.',
      scope: null,
      effect: 'write',
      input: z.object({
        by: z.string().meta({ secret: true }),
        to: z.array(z.object({ phrase: z.string().optional().meta({ secret: true }) })),
      }),
      output: z.object({}),
      handler: async () => ({}),
    })
    assert.deepEqual([...secretPaths(meta.inputSchema)], ['by', 'to.phrase'])
    assert.doesNotMatch(JSON.stringify(meta.inputSchema), /"secret"/)
    const kept = JSON.stringify(redact({ by: 'x', to: [{ phrase: 'open sesame', n: 1 }] }, meta))
    assert.equal(kept, `{"by":"${REDACTED}","to":[{"phrase":"${REDACTED}","n":1}]}`)
  })

  test('secrets that the log knows, also where a text is cut', () => {
    const log = createLog({ level: 'silent', write: () => undefined })
    log.hide('correct-horse')
    const own = createRedaction({ clean: log.clean })
    assert.equal(own(`a correct-horse b`), 'a [hidden] b')
    assert.doesNotMatch(String(own(`${'x'.repeat(295)}correct-horse`)), /corr/)
    assert.equal(own(`${'x'.repeat(20_000)}correct-horse`), '[20013 characters]')
  })

  test('whatever comes in: it ends, stays small, shows nothing unseen, and throws nothing', () =>
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withNullPrototype: true }),
        (value) => {
          const text = JSON.stringify(redact(value)) ?? ''
          assert.ok(text.length < 30_000)
          assert.equal(visibleText(text), text)
        },
      ),
    ))

  test('a secret is found wherever it stands', () =>
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom('pin', 'apiKey', 'Password'), (around, name) => {
        const value = {
          a: [JSON.parse(around), { [name]: 'hunter2hunter2' }],
          payload: JSON.stringify({ [name]: 'hunter2hunter2' }),
        }
        assert.doesNotMatch(JSON.stringify(redact(value)), /hunter2/)
      }),
    ))

  test('text made to be slow is not', () => {
    const slow = ['eyJ-', 'a://', 'Bearer ', 'token=', 'sk-', '-----BEGIN ', 'aaaaaaaaaaaaaaaaaaaa_'].map((piece) =>
      piece.repeat(16_000 / piece.length),
    )
    for (const text of slow) assert.ok(String(redact(text)).length < 400)
    assert.ok(JSON.stringify(redact({ payload: '['.repeat(16_000) })).length < 1000)
  })

  test('a wide or deep value is cut', () => {
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`m${at}`, at]))
    assert.ok(JSON.stringify(redact(wide)).length < 8000)
    assert.match(JSON.stringify(redact(Array.from({ length: 1000 }, () => 1))), /"\[800 more\]"\]$/)
    let deep: unknown = 1
    for (let level = 0; level < 10_000; level++) deep = [deep]
    assert.equal(JSON.stringify(redact(deep)), '[[[[[[[["[…]"]]]]]]]]')
  })
})
