import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { hmacSha256 } from './hmac.ts'

const official = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest('base64url')

suite('HMAC-SHA-256', () => {
  test('is that of OpenSSL, for every key and any texts one after the other', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 3000 }), fc.string({ maxLength: 200 })), {
          maxLength: 8,
        }),
        (bytes, texts) => {
          const key = Buffer.from(bytes)
          const hmac = hmacSha256(key)
          for (const text of texts) assert.equal(hmac(text), official(key, text))
        },
      ),
    )
  })

  test('of RFC 4231, test case 2', () => {
    const mac = Buffer.from(hmacSha256(Buffer.from('Jefe'))('what do ya want for nothing?'), 'base64url')
    assert.equal(mac.toString('hex'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
  })

  test('of half a surrogate pair, and of a long text after a short one', () => {
    const key = randomBytes(32)
    const hmac = hmacSha256(key)
    for (const text of ['a', '\u{D800}', 'é'.repeat(100_000), 'a']) assert.equal(hmac(text), official(key, text))
  })

  test('refuses a key that it would have to hash first', () => {
    assert.throws(() => hmacSha256(Buffer.alloc(65)), RangeError)
  })
})
