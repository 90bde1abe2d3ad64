import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { anonymous } from '../../kernel/caller.ts'
import { createIdentity, OWNER } from '../../kernel/identity.ts'
import { createAuthenticate } from './authenticate.ts'

suite('authenticate', () => {
  const authenticate = createAuthenticate(createIdentity('t0ken-._~+/=='))

  for (const header of ['Bearer t0ken-._~+/==', 'bearer  t0ken-._~+/== '])
    test(`knows the owner by ${JSON.stringify(header)}`, () =>
      assert.deepEqual(authenticate(header, 'rest', { address: '::1' }), { ...OWNER, via: 'rest', address: '::1' }))

  test('no header is anonymous', () => assert.deepEqual(authenticate(null, 'mcp'), anonymous('mcp')))

  for (const header of [
    '',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer wrong',
    'Basic eDp5',
    'Bearer t0ken-._~+/==, x',
    't0ken',
  ])
    test(`refuses ${JSON.stringify(header)} without repeating it`, () =>
      assert.throws(
        () => authenticate(header, 'rest'),
        (fault: Error & { code: string }) =>
          fault.code === 'unauthenticated' && (header === '' || !fault.message.includes(header)),
      ))
})
