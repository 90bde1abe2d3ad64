import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, suite, test } from 'node:test'
import { decodeProtectedHeader, jwtVerify, createLocalJWKSet } from 'jose'
import { heldClock } from '../../kernel/clock.ts'
import type { Fault } from '../../kernel/fault.ts'
import type { TokenPair } from '../../kernel/logins.ts'
import type { OpenStore } from '../store/open-store.ts'
import { ANNA, claimsIn, HUB, testLogins, testPeople, type TestLogins } from './logins.fixture.ts'
import { MOST_LOGINS } from './login-store.ts'
import type { LoginTables } from './tables.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const HERE = { via: 'rest', address: '192.0.2.7' } as const
const refused = { code: 'unauthenticated', message: 'The refresh token is not valid.' }
const notValid = { code: 'unauthenticated', message: 'The access token is not valid.' }

/** Logins behave the same on every database. */
export function loginsSuite(name: string, open: () => Promise<OpenStore>): void {
  suite(`logins on ${name}`, () => {
    let store: OpenStore
    let hub: TestLogins
    const clock = heldClock()
    const people = testPeople()
    before(async () => {
      store = await open()
    })
    after(() => store.close())
    beforeEach(async () => {
      people.remove(ANNA.id)
      people.set(ANNA)
      hub = await testLogins(store, { clock, people })
      await hub.logins.endAllOf(ANNA.id)
      hub.ended.length = 0
    })
    afterEach(() => hub.logins.close())

    const tables = () => store.as<LoginTables & { shared_copies: object }>()
    const rotated = (pair: TokenPair) => hub.logins.refresh(pair.refreshToken, HERE)
    const credentialOf = ({ accessToken }: TokenPair) => String(claimsIn(accessToken)['sid'])

    test('a login gives a JWT that others can verify, and a holder here', async () => {
      const pair = await hub.logIn(['mqtt:read', 'devices:read'], 'phone')
      assert.deepEqual(decodeProtectedHeader(pair.accessToken), {
        alg: 'EdDSA',
        typ: 'at+jwt',
        kid: hub.logins.keys.public().keys[0]?.kid,
      })
      const nowS = clock.now() / 1000
      const { payload } = await jwtVerify(
        pair.accessToken,
        createLocalJWKSet({ keys: [...hub.logins.keys.public().keys] }),
        {
          issuer: HUB,
          audience: HUB,
          algorithms: ['EdDSA'],
          typ: 'at+jwt',
          currentDate: new Date(clock.now()),
        },
      )
      assert.partialDeepStrictEqual(payload, {
        sub: ANNA.id,
        iat: nowS,
        exp: nowS + 600,
        client_id: 'phone',
        scope: 'mqtt:read',
      })
      assert.equal(typeof payload.jti, 'string')
      assert.deepEqual(hub.holder(pair.accessToken), {
        id: ANNA.id,
        name: 'anna',
        role: 'adult',
        person: ANNA.id,
        scopes: ['mqtt:read'],
        attainable: ANNA.scopes,
        credential: payload['sid'],
        audience: HUB,
        expiresMs: clock.now() + 600_000,
      })
      assert.equal(pair.expiresInSeconds, 600)
    })

    test('of refresh tokens and signing keys nothing that opens anything is stored in the clear', async () => {
      const pair = await hub.logIn()
      const rows = await Promise.all([
        tables().selectFrom('logins').selectAll().execute(),
        tables().selectFrom('signing_keys').selectAll().execute(),
      ])
      const stored = JSON.stringify(rows)
      const token = pair.refreshToken.slice('alicia_refresh_'.length)
      const [{ d = '' } = {}] = hub.logins.keys.private()
      for (const secret of [token.slice(0, 24), token.slice(24), pair.accessToken, d]) {
        assert.ok(secret.length > 20)
        assert.ok(!stored.includes(secret))
      }
      assert.ok(!JSON.stringify(hub.logins.keys.public()).includes(d))
    })

    test('a refresh token is good once, and gives the next', async () => {
      const first = await hub.logIn()
      clock.advance(599_000)
      const second = await rotated(first)
      assert.notEqual(second.refreshToken, first.refreshToken)
      assert.equal(credentialOf(second), credentialOf(first))
      hub.holder(second.accessToken)
      const third = await rotated(second)
      hub.holder(third.accessToken)
      assert.partialDeepStrictEqual(hub.logins.list(ANNA.id), [
        { credential: credentialOf(first), createdMs: clock.now() - 599_000, lastUsedMs: clock.now() },
      ])
    })

    test('one that is shown again ends everything of its login, for thief and victim alike', async () => {
      const other = await hub.logIn()
      const first = await hub.logIn([], 'stolen phone')
      const second = await rotated(first)
      hub.holder(second.accessToken)
      await assert.rejects(rotated(first), refused)
      await assert.rejects(rotated(second), refused)
      for (const { accessToken } of [first, second]) assert.throws(() => hub.show(accessToken), notValid)
      assert.deepEqual(hub.ended, [{ credential: credentialOf(first) }])
      hub.holder(other.accessToken)
      const line = hub.lines.find((text) => text.includes('shown a second time')) ?? ''
      assert.partialDeepStrictEqual(JSON.parse(line), {
        client: 'stolen phone',
        address: HERE.address,
        subject: ANNA.id,
      })
      assert.partialDeepStrictEqual(hub.noted, [{ kind: 'token.reused', address: HERE.address, who: { id: ANNA.id } }])
      assert.ok(!hub.lines.join('').includes(first.refreshToken.slice(-43)))
    })

    test('shown many times at once: one wins, and then the login is over', async () => {
      const first = await hub.logIn()
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => rotated(first)))
      const won = outcomes.filter(({ status }) => status === 'fulfilled')
      assert.equal(won.length, 1)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') await assert.rejects(Promise.reject(outcome.reason as Error), refused)
      const [winner] = won as PromiseFulfilledResult<TokenPair>[]
      assert.ok(winner)
      assert.throws(() => hub.show(winner.value.accessToken), notValid)
      await assert.rejects(rotated(winner.value), refused)
      assert.deepEqual(hub.logins.list(ANNA.id), [])
    })

    const lives: [why: string, days: number, uses: number, good: boolean][] = [
      ['unused for 29 days', 29, 1, true],
      ['unused for 30 days', 30, 1, false],
      ['used every 20 days, for 80', 20, 4, true],
      ['used every 20 days, for 100', 20, 5, false],
    ]
    for (const [why, days, uses, good] of lives)
      test(`a login ${why} is ${good ? 'good' : 'over'}`, async () => {
        let pair = await hub.logIn()
        for (let use = 1; use <= uses; use++) {
          clock.advance(days * DAY_MS)
          if (use === uses && !good) await assert.rejects(rotated(pair), refused)
          else pair = await rotated(pair)
        }
      })

    test('what nobody was given is refused, writes nothing, and is slowed down', async () => {
      const before = await tables().selectFrom('shared_copies').selectAll().execute()
      const guesses = [
        '',
        'x',
        'alicia_refresh_',
        `alicia_refresh_${'A'.repeat(67)}`,
        `alicia_refresh_${'A'.repeat(68)}`,
      ]
      for (const guess of guesses) await assert.rejects(hub.logins.refresh(guess, HERE), refused)
      assert.deepEqual(await tables().selectFrom('shared_copies').selectAll().execute(), before)
      const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => hub.logins.refresh('x', HERE)))
      const slowed = outcomes.filter(
        (one) => one.status === 'rejected' && (one.reason as Fault).code === 'rate_limited',
      )
      assert.ok(slowed.length > 50, `${slowed.length} of a hundred guesses were not looked at`)
    })

    test('whoever guesses from the same address keeps nobody out who has a token', async () => {
      const pair = await hub.logIn()
      for (let at = 0; at < 30; at++) await assert.rejects(hub.logins.refresh('x', HERE))
      hub.holder((await rotated(pair)).accessToken)
    })

    const meanwhile: [what: string, change: () => void][] = [
      ['a password is set', () => people.set({ id: ANNA.id, passwordSetMs: clock.now() })],
      ['its person is disabled', () => people.set({ id: ANNA.id, isDisabled: true })],
    ]
    for (const [what, change] of meanwhile)
      test(`a login that is under way when ${what} comes to nothing`, async () => {
        const under = hub.logIn()
        clock.advance(5000)
        change()
        clock.advance(5000)
        await assert.rejects(under, { code: 'unauthenticated' })
        assert.deepEqual(hub.logins.list(ANNA.id), [])
      })

    test('ended means ended: at once, after a restart, and for the other tokens of that login', async () => {
      const pair = await hub.logIn()
      const again = await rotated(pair)
      await hub.logins.end(credentialOf(pair))
      for (const { accessToken } of [pair, again]) assert.throws(() => hub.show(accessToken), notValid)
      await hub.logins.close()
      hub = await testLogins(store, { clock, people })
      for (const { accessToken } of [pair, again]) assert.throws(() => hub.show(accessToken), notValid)
      await assert.rejects(rotated(again), refused)
    })

    test('logins, keys and tokens outlive the hub', async () => {
      const pair = await hub.logIn()
      const keys = hub.logins.keys.private()
      await hub.logins.close()
      hub = await testLogins(store, { clock, people })
      assert.deepEqual(hub.logins.keys.private(), keys)
      hub.holder(pair.accessToken)
      hub.holder((await rotated(pair)).accessToken)
    })

    test('what ended is kept for as long as an access token could live', async () => {
      const kept = async (...names: string[]) => {
        const rows = await tables().selectFrom('ended_logins').select('credential').execute()
        return names.filter((name) => rows.some(({ credential }) => credential === name))
      }
      await hub.logins.end('grant-of-the-authorization-server')
      assert.deepEqual(hub.ended, [{ credential: 'grant-of-the-authorization-server' }])
      clock.advance(600_000)
      await hub.logins.end('another')
      const both = ['grant-of-the-authorization-server', 'another']
      assert.deepEqual(await kept(...both), both)
      clock.advance(100_000)
      await hub.logins.end('a third')
      assert.deepEqual(await kept(...both), ['another'])
    })

    test(`a person has ${MOST_LOGINS} logins; the one unused for longest makes room`, async () => {
      const pairs: TokenPair[] = []
      for (let login = 0; login < MOST_LOGINS; login++) {
        pairs.push(await hub.logIn())
        clock.advance(1000)
      }
      const [first, second] = pairs
      assert.ok(first && second)
      const used = await rotated(first)
      await hub.logIn()
      assert.equal(hub.logins.list(ANNA.id).length, MOST_LOGINS)
      hub.holder(used.accessToken)
      assert.throws(() => hub.show(second.accessToken), notValid)
      assert.deepEqual(hub.ended, [{ credential: credentialOf(second) }])
    })

    test('the person as they are now decides, with every call', async () => {
      const pair = await hub.logIn(['mqtt:*'])
      assert.deepEqual(hub.holder(pair.accessToken).scopes, ['mqtt:*'])
      people.set({ id: ANNA.id, role: 'guest', scopes: ['mqtt:read', 'health:*'] })
      assert.partialDeepStrictEqual(hub.holder(pair.accessToken), { role: 'guest', scopes: ['mqtt:read'] })
      assert.deepEqual((await rotated(pair)).scopes, ['mqtt:read'])
      people.set({ id: ANNA.id, scopes: ['*'] })
      assert.deepEqual(hub.holder(pair.accessToken).scopes, ['mqtt:*'], 'no more than the login was given')
    })

    for (const [why, change] of [
      ['disabled', () => people.set({ id: ANNA.id, isDisabled: true })],
      ['removed', () => people.remove(ANNA.id)],
    ] as const)
      test(`who is ${why} is nobody, and is not back by being let in again`, async () => {
        const pair = await hub.logIn()
        hub.holder(pair.accessToken)
        change()
        assert.throws(() => hub.show(pair.accessToken), notValid)
        await assert.rejects(rotated(pair), refused)
        await assert.rejects(hub.logIn(), { code: 'unauthenticated' })
        people.set({ ...ANNA })
        assert.throws(() => hub.show(pair.accessToken), notValid)
      })

    test('a new password ends what was there before it, and nothing that comes after', async () => {
      const before = await hub.logIn()
      clock.advance(1000)
      people.set({ id: ANNA.id, passwordSetMs: clock.now() })
      const after = await hub.logIn()
      assert.throws(() => hub.show(before.accessToken), notValid)
      await assert.rejects(rotated(before), refused)
      hub.holder(after.accessToken)
      hub.holder((await rotated(after)).accessToken)
    })

    test('one that was set while the hub did not run does the same', async () => {
      const before = await hub.logIn()
      await hub.logins.close()
      clock.advance(1000)
      people.set({ id: ANNA.id, passwordSetMs: clock.now() })
      hub = await testLogins(store, { clock, people })
      assert.throws(() => hub.show(before.accessToken), notValid)
      await assert.rejects(rotated(before), refused)
    })

    for (const column of ['created_at', 'used_at'] as const)
      test(`a login that is over by its ${column} is refused, whether or not it was cleared away`, async () => {
        const pair = await hub.logIn()
        await tables()
          .updateTable('logins')
          .set({ [column]: clock.now() - 90 * DAY_MS })
          .execute()
        await assert.rejects(rotated(pair), refused)
        assert.deepEqual(hub.noted, [], 'nobody showed anything twice')
      })

    test('the owner can log in as well', async () => {
      const pair = await hub.logins.issue({ subject: 'owner', scopes: ['mqtt:read'], client: 'browser' })
      const holder = hub.holder(pair.accessToken)
      assert.partialDeepStrictEqual(holder, { id: 'owner', role: 'owner', scopes: ['mqtt:read'], attainable: ['*'] })
      assert.equal(holder.person, undefined)
      await hub.logins.endAllOf('owner')
      assert.throws(() => hub.show(pair.accessToken), notValid)
    })

    test('after a rotation the new key signs, and the old one verifies for as long as a token lives', async () => {
      const pair = await hub.logIn()
      const [old] = hub.logins.keys.private()
      let told = 0
      const stop = hub.logins.keys.onChange(() => void told++)
      await hub.logins.keys.rotate()
      stop()
      assert.equal(told, 1)
      const next = await rotated(pair)
      assert.notEqual(decodeProtectedHeader(next.accessToken).kid, old?.kid)
      assert.equal(decodeProtectedHeader(next.accessToken).kid, hub.logins.keys.private()[0]?.kid)
      hub.holder(pair.accessToken)
      clock.advance(HOUR_MS)
      await hub.logins.close()
      hub = await testLogins(store, { clock, people })
      assert.ok(!hub.logins.keys.public().keys.some(({ kid }) => kid === old?.kid))
    })

    test('a key that is 90 days old is replaced by itself', async () => {
      await hub.logins.keys.rotate()
      const [old] = hub.logins.keys.private()
      await hub.logins.close()
      clock.advance(90 * DAY_MS - HOUR_MS / 2)
      hub = await testLogins(store, { clock, people })
      assert.equal(hub.logins.keys.private()[0]?.kid, old?.kid)
      const rotated = new Promise<void>((resolve) => hub.logins.keys.onChange(resolve))
      clock.advance(HOUR_MS)
      await rotated
      assert.notEqual(hub.logins.keys.private()[0]?.kid, old?.kid)
    })

    test('a signing key that does not open any more is replaced, not the end of the hub', async () => {
      const pair = await hub.logIn()
      await tables().updateTable('signing_keys').set({ sealed: 'for something else|e30=' }).execute()
      await hub.logins.close()
      hub = await testLogins(store, { clock, people })
      await assert.rejects(async () => hub.show(pair.accessToken), notValid)
      hub.holder((await hub.logIn()).accessToken)
    })
  })
}
