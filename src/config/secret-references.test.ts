import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Fault } from '../kernel/fault.ts'
import { hasSecretReferences, plainSecretsIn, resolveSecrets } from './secret-references.ts'

const kept: Readonly<Record<string, string>> = { 'mqtt-ann': 'p@ss/${secret:other}', plain: 'hunter22', other: 'no' }
const secret = (name: string) => (Object.hasOwn(kept, name) ? kept[name] : undefined)

suite('secrets in the configuration', () => {
  const rows: [what: string, value: unknown, resolved: unknown][] = [
    ['a password', { users: [{ password: '${secret:plain}' }] }, { users: [{ password: 'hunter22' }] }],
    ['in the middle', 'a-${secret:plain}-b', 'a-hunter22-b'],
    ['two of them', '${secret:plain}${secret:plain}', 'hunter22hunter22'],
    ['what a secret holds is text', '${secret:mqtt-ann}', 'p@ss/${secret:other}'],
    [
      'in an address it is encoded',
      'mqtt://ann:${secret:mqtt-ann}@broker:1883',
      'mqtt://ann:p%40ss%2F%24%7Bsecret%3Aother%7D@broker:1883',
    ],
    ['other references and values stay', ['${HOME}', 1, null, true, '$'], ['${HOME}', 1, null, true, '$']],
  ]
  for (const [what, value, resolved] of rows)
    test(what, () => assert.deepEqual(resolveSecrets(value, secret), resolved))

  test('one that is not set is named with its key, and nothing else', () => {
    const config = { token: 'in-cleartext', broker: { users: [{}, { password: '${secret:toString}' }] } }
    assert.throws(
      () => resolveSecrets(config, secret),
      (fault: Fault) => {
        assert.equal(fault.message, 'broker.users[1].password refers to the secret toString, which is not set.')
        assert.equal(fault.hint, 'Set it: alicia secret set toString')
        return true
      },
    )
  })

  test('whether there is any', () => {
    assert.equal(hasSecretReferences({ a: [{ b: 'x' }] }), false)
    assert.equal(hasSecretReferences({ a: [{ b: 'x ${secret:y}' }] }), true)
  })

  test('what stands in cleartext', () => {
    const config = {
      token: 'abcdefghijklmnop',
      host: '0.0.0.0',
      secretKeySource: 'file',
      database: { url: 'postgres://alicia:${secret:db}@localhost/alicia' },
      broker: {
        url: 'mqtts://ann:hunter22@broker',
        users: [
          { name: 'tablet', password: '${secret:tablet}' },
          { name: 'tv', password: 'hunter22' },
        ],
      },
      tracing: { url: 'http://collector:4318' },
      oidc: { clientSecret: 'x' },
    }
    assert.deepEqual(plainSecretsIn(config), ['token', 'broker.url', 'broker.users[1].password', 'oidc.clientSecret'])
  })
})
