import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { anonymous } from '../../kernel/caller.ts'
import { heldClock } from '../../kernel/clock.ts'
import type { Fault } from '../../kernel/fault.ts'
import { createIdentity, OWNER } from '../../kernel/identity.ts'
import { createAuthenticate } from './authenticate.ts'
import { WrongTokens } from './wrong-tokens.ts'

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

  test('a flood of wrong tokens hears 429, looks nothing up, and locks out nobody whose token was good before', async () => {
    const clock = heldClock()
    const identity = createIdentity('t0ken-._~+/==')
    const lookedUp: string[] = []
    identity.addSource(({ token, onlySeen }) => {
      if (!onlySeen) lookedUp.push(token)
      return token === 'seen' ? { id: 'a', name: 'a', scopes: [] } : undefined
    })
    const noted: string[] = []
    const refusals = { note: (limit: string, whose = '') => void noted.push(`${limit} ${whose}`) }
    const ask = createAuthenticate(identity, new WrongTokens({ clock, refusals }))
    const codeOf = async (token: string, address = '2001:db8::1') => {
      try {
        return (await ask(`Bearer ${token}`, 'rest', { address })).id
      } catch (error) {
        return (error as Fault).code
      }
    }
    const flood = await Promise.all(Array.from({ length: 1000 }, (_, at) => codeOf(`wrong-${at}`)))
    assert.equal(flood.filter((code) => code === 'unauthenticated').length, 60)
    assert.equal(flood.filter((code) => code === 'rate_limited').length, 940)
    assert.equal(lookedUp.length, 60)
    assert.deepEqual(new Set(noted), new Set(['wrong_tokens 2001:db8:0:0::/64']))
    assert.deepEqual([await codeOf('t0ken-._~+/=='), await codeOf('seen')], ['owner', 'a'])
    assert.equal(await codeOf('wrong', '2001:db8::ffff'), 'rate_limited')
    assert.equal(await codeOf('wrong', '2001:db8:0:1::1'), 'unauthenticated')
    clock.advance(200)
    assert.deepEqual([await codeOf('wrong'), await codeOf('wrong')], ['unauthenticated', 'rate_limited'])
  })

  test('a source that needs time is not waited for in a flood', async () => {
    const identity = createIdentity('t0ken-._~+/==')
    identity.addSource(async ({ onlySeen }) => (onlySeen ? undefined : { id: 'late', name: 'late', scopes: [] }))
    const ask = createAuthenticate(identity, new WrongTokens({ clock: heldClock() }))
    assert.equal((await ask('Bearer new', 'rest', { address: '192.0.2.1' })).id, 'late')
  })
})
