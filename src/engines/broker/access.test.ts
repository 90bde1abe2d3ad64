import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { MAY, PEOPLE, type Who } from './access.cases.ts'
import { createAccess, mayPublish, mayReceive, maySubscribe, type BrokerUser } from './access.ts'

suite('broker access', () => {
  const access = createAccess(PEOPLE)
  const accountOf = (who: Who) => {
    const name = who === 'hub' || who === 'session' ? access.login(who).username : who
    const account = access.credentials.find(({ username }) => username === name)?.account
    assert.ok(account)
    return account
  }
  const ask = { publish: mayPublish, receive: mayReceive, subscribe: maySubscribe }

  for (const [who, may, topic, allowed] of MAY)
    test(`${who} ${allowed ? 'may' : 'may not'} ${may} ${topic}`, () => {
      assert.equal(ask[may](accountOf(who), topic), allowed)
    })

  const logins: [why: string, username: string | undefined, password: string | undefined, as: string | undefined][] = [
    ['the owner, by the access token', 'alicia', PEOPLE.ownerToken, 'alicia'],
    ['a user', 'anna', 'annas-password', 'anna'],
    ['a wrong password', 'anna', 'annas-passwore', undefined],
    ['an empty password', 'anna', '', undefined],
    ["somebody else's password", 'anna', 'z2ms-password', undefined],
    ['no password', 'anna', undefined, undefined],
    ['no name', undefined, 'annas-password', undefined],
    ['an unknown name', 'bert', 'annas-password', undefined],
    ['nothing at all', undefined, undefined, undefined],
  ]
  for (const [why, username, password, as] of logins)
    test(`${why}: ${as ?? 'refused'}`, () => {
      const account = access.authenticate(username, password === undefined ? undefined : Buffer.from(password))
      assert.equal(account?.name, as)
    })

  test('anonymous clients are let in where that is configured, and never into alicia/#', () => {
    const open = createAccess({ ...PEOPLE, anonymous: { subscribe: ['#'], publish: ['home/#'] } })
    const account = open.authenticate(undefined, undefined)
    assert.ok(account)
    assert.ok(mayPublish(account, 'home/lamp'))
    assert.ok(!mayPublish(account, 'garden/lamp'))
    assert.ok(mayReceive(account, 'garden/lamp'))
    assert.ok(!mayReceive(account, 'alicia/v1/svc/health/1/status'))
    assert.ok(!mayPublish(account, 'alicia/v1/req/health/get'))
  })

  const refused: [why: string, users: BrokerUser[], says: RegExp][] = [
    ['a wildcard as a name', [{ name: '+', password: 'x' }], /"\+" cannot be the name/],
    ['a slash in a name', [{ name: 'a/b', password: 'x' }], /cannot be the name/],
    ['a name of the hub', [{ name: 'alicia/hub', password: 'x' }], /cannot be the name/],
    ["the owner's name", [{ name: 'alicia', password: 'x' }], /cannot be the name/],
    ['no name', [{ name: '', password: 'x' }], /cannot be the name/],
    ['no password', [{ name: 'anna', password: '' }], /empty password/],
    [
      'a name twice',
      [
        { name: 'anna', password: 'x' },
        { name: 'anna', password: 'y' },
      ],
      /Two broker users/,
    ],
    ['a filter that is none', [{ name: 'anna', password: 'x', publish: ['a/#/b'] }], /"a\/#\/b" \(broker user anna\)/],
  ]
  for (const [why, users, says] of refused)
    test(`refuses ${why}`, () => {
      assert.throws(() => createAccess({ ...PEOPLE, users }), { name: 'Fault', code: 'invalid_input', message: says })
    })
})
