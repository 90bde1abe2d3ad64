import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import type { TestHub } from '../support/hub.ts'
import { ask, codeOf } from './support/ask.ts'
import { startHome, type AttackedHome } from './support/home.ts'
import { oauthClient, type OAuthClient } from './support/oauth-client.ts'

interface Pair {
  readonly access: string
  readonly refresh: string
}

/** Somebody who has logged in, and how they renew that. Undefined: refused. */
interface Renewing {
  begin(): Promise<Pair>
  renew(refresh: string): Promise<Pair | undefined>
}

suite('refresh tokens that are shown again', () => {
  const ending = cleanUps()
  let home: AttackedHome
  let hub: TestHub
  let client: OAuthClient
  before(async () => {
    home = await startHome(ending)
    ;({ hub } = home)
    client = await oauthClient(hub)
  })
  after(() => ending.run())

  let count = 0
  const pairOf = ({ access_token: access, refresh_token: refresh }: Readonly<Record<string, unknown>>) =>
    typeof access === 'string' && typeof refresh === 'string' ? { access, refresh } : undefined
  const whole = (pair: Pair | undefined): Pair => pair ?? assert.fail('it was refused')
  const KINDS: Readonly<Record<string, Renewing>> = {
    'a login': {
      async begin() {
        const { access_token: access, refresh_token: refresh } = await home.logIn('anna')
        return { access, refresh }
      },
      async renew(refresh_token) {
        const headers = { 'x-forwarded-for': `192.0.2.${++count}` }
        const { text } = await ask(hub, '/auth/refresh', { headers, body: { refresh_token } })
        return pairOf(JSON.parse(text) as Record<string, unknown>)
      },
    },
    'a program': {
      begin: async () => whole(pairOf((await client.redeem(await client.code('anna', 'health:read'))).body)),
      renew: async (refresh) => pairOf((await client.refresh(refresh)).body),
    },
  }
  const isGood = async ({ access }: Pair) =>
    (await hub.call('health.list_services', {}, { token: access })).status === 200

  for (const [kind, { begin, renew }] of Object.entries(KINDS)) {
    test(`${kind}: one that was spent ends all that came of it, the thief’s and the owner’s`, async () => {
      const first = await begin()
      const second = whole(await renew(first.refresh))
      const third = whole(await renew(second.refresh))
      assert.ok(await isGood(third))
      assert.equal(await renew(first.refresh), undefined)
      for (const pair of [first, second, third]) assert.equal(await isGood(pair), false)
      assert.equal(await renew(third.refresh), undefined)
    })

    test(`${kind}: of ten at once one wins at most, and the others end it`, async () => {
      const { refresh } = await begin()
      const pairs = (await Promise.all(Array.from({ length: 10 }, () => renew(refresh)))).filter((pair) => pair)
      assert.ok(pairs.length <= 1, `${pairs.length} won`)
      for (const pair of pairs) {
        assert.equal(await isGood(whole(pair)), false)
        assert.equal(await renew(whole(pair).refresh), undefined)
      }
    })

    test(`${kind}: one that is cut, longer, in another case or put together of two is none, and ends nothing`, async () => {
      const [one, other] = [await begin(), await begin()]
      const half = Math.floor(one.refresh.length / 2)
      for (const made of [
        one.refresh.slice(0, -1),
        `${one.refresh}A`,
        one.refresh.toUpperCase(),
        one.refresh.slice(0, half),
        '',
        one.access,
        '__proto__',
      ])
        assert.equal(await renew(made), undefined, made.slice(0, 20))
      assert.ok(await isGood(one))
      assert.ok(await isGood(whole(await renew(other.refresh))))
    })
  }

  test('neither kind renews the other', async () => {
    const [login, program] = [await KINDS['a login']?.begin(), await KINDS['a program']?.begin()]
    assert.equal(await KINDS['a program']?.renew(whole(login).refresh), undefined)
    assert.equal(await KINDS['a login']?.renew(whole(program).refresh), undefined)
    const another = await oauthClient(hub)
    const { status, body } = await another.refresh(whole(program).refresh)
    assert.equal(`${status} ${String(body['error'])}`, '400 invalid_grant')
  })

  test('a code is good once, at once and one after the other; used again it ends what it gave', async () => {
    const code = await client.code('anna', 'health:read')
    const given = whole(pairOf((await client.redeem(code)).body))
    assert.equal((await client.redeem(code)).status, 400)
    assert.equal(await isGood(given), false)
    const raced = await client.code('anna', 'health:read')
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.redeem(raced)))
    const won = answers.filter(({ status }) => status === 200)
    assert.ok(won.length <= 1, `${won.length} won`)
    for (const { body } of won) assert.equal(await isGood(whole(pairOf(body))), false)
  })

  test('what is refused says no more than that', async () => {
    const { text } = await ask(hub, '/auth/refresh', { body: { refresh_token: `alicia_refresh_${'A'.repeat(67)}` } })
    assert.equal(codeOf(text), 'unauthenticated')
    assert.doesNotMatch(text, /famil|spent|reuse|ended/i)
  })
})
