import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, suite, test } from 'node:test'
import type { OpenStore } from '../../engines/store/open-store.ts'
import type { Caller } from '../../kernel/caller.ts'
import { heldClock, type Clock } from '../../kernel/clock.ts'
import type { Fault } from '../../kernel/fault.ts'
import { createIdentity } from '../../kernel/identity.ts'
import { silentLog } from '../../kernel/log.ts'
import { callerWith, owner, testDoor } from '../../testing/hub.ts'
import { openPeople } from '../../engines/people/people.ts'
import { createLoginThrottle } from '../../kernel/login-throttle.ts'
import { DEFAULT_ROLES } from '../../kernel/role.ts'
import { MIGRATIONS as PEOPLE_MIGRATIONS } from '../../engines/people/table.ts'
import { OWNER } from '../../kernel/identity.ts'
import type { Person } from '../../kernel/people.ts'
import { tokens } from './index.ts'
import { MIGRATIONS } from './table.ts'

interface Created {
  token: string
  name: string
  scopes: string[]
  created_at: string
  expires_at?: string
}

const DAY_MS = 86_400_000

const theOwner: Caller = { ...OWNER, via: 'cli' }

/** Somebody who logged in. */
const as = ({ id, name, role, scopes }: Person): Caller => ({ id, name, role, scopes, person: id, via: 'rest' })

/** A database as new: no hub runs on it. */
async function clear(store: OpenStore): Promise<void> {
  await store.migrate('tokens', MIGRATIONS)
  await store.migrate('people', PEOPLE_MIGRATIONS)
  const db = store.as<{ tokens: object; people: object }>()
  await db.deleteFrom('tokens').execute()
  await db.deleteFrom('people').execute()
}

/** The same, in a time that stands still. */
const startHub = async (store: OpenStore, clock = heldClock()) => ({ ...(await startHubAt(store, clock)), clock })

/** The whole service in a hub without sockets, on a store that stays when the hub starts anew. */
export async function startHubAt(store: OpenStore, clock: Clock) {
  const door = testDoor([], { clock })
  const identity = createIdentity('the-owners-own-token')
  const { events, registry } = door
  const part = tokens.join({ clock, events, log: silentLog }, registry, () => ({ status: 'available', sinceMs: 0 }))
  const throttle = createLoginThrottle(clock)
  const people = await openPeople({ store, events, throttle, roles: DEFAULT_ROLES, clock, log: silentLog })
  const running = await part.start({ store, identity, people }, new AbortController().signal)
  const call = (operation: string, input: object, caller: Caller = owner) => door.invoke({ operation, input, caller })
  return {
    /** At once: every call asks. */
    authenticate(...shown: Parameters<typeof identity.authenticate>): Caller {
      const caller = identity.authenticate(...shown)
      if (caller instanceof Promise) throw new TypeError('A token is known at once.')
      return caller
    },
    call,
    create: async (input: object, caller?: Caller) => (await call('create_token', input, caller)) as Created,
    list: async (caller?: Caller) =>
      ((await call('list_tokens', {}, caller)) as { tokens: Record<string, unknown>[] }).tokens,
    people,
    events,
    async stop() {
      await running.stop()
      await people.close()
    },
  }
}

export function tokensSuite(name: string, open: () => Promise<OpenStore>): void {
  suite(`tokens on ${name}`, () => {
    let store: OpenStore
    let hub: Awaited<ReturnType<typeof startHub>>
    before(async () => {
      store = await open()
    })
    after(() => store.close())
    beforeEach(async () => {
      await clear(store)
      hub = await startHub(store)
    })

    afterEach(() => hub.stop())

    test('a token lets its holder in with its scopes, and is listed without its secret', async () => {
      const made = await hub.create({ name: 'kitchen tablet', scopes: ['mqtt:read', 'lamps:*', 'mqtt:read'] })
      assert.match(made.token, /^alicia_[\w-]{43}$/)
      const caller = hub.authenticate(made.token, 'rest', { address: '::1' })
      assert.match(caller.id, /^token-[\w-]{12}$/)
      assert.partialDeepStrictEqual(caller, {
        name: 'kitchen tablet',
        scopes: ['mqtt:read', 'lamps:*'],
        via: 'rest',
        address: '::1',
      })
      const created = hub.clock.now()
      assert.deepEqual(await hub.list(), [
        {
          name: 'kitchen tablet',
          scopes: ['mqtt:read', 'lamps:*'],
          created_at: new Date(created).toISOString(),
          expired: false,
          last_used_on: '2026-01-01',
        },
      ])
    })

    test('only its hash is stored', async () => {
      const { token } = await hub.create({ name: 'secret', scopes: ['*'] })
      const rows = await store.as<{ tokens: object }>().selectFrom('tokens').selectAll().execute()
      assert.equal(rows.length, 1)
      assert.ok(!JSON.stringify(rows).includes(token.slice(7)))
    })

    test('a token works until it expires, to the millisecond', async () => {
      const { token, expires_at: expires } = await hub.create({ name: 'guest', scopes: ['*'], expires_in_days: 2 })
      assert.equal(expires, new Date(hub.clock.now() + 2 * DAY_MS).toISOString())
      hub.clock.advance(2 * DAY_MS - 1)
      hub.authenticate(token, 'rest')
      hub.clock.advance(1)
      assert.throws(() => hub.authenticate(token, 'rest'), { code: 'unauthenticated' })
      assert.partialDeepStrictEqual(await hub.list(), [{ name: 'guest', expired: true }])
      await assert.rejects(hub.create({ name: 'guest', scopes: ['*'] }), { code: 'conflict', hint: /revoke/ })
    })

    test('a token made with a token that expires does not outlive it', async () => {
      const maker = await hub.create({ name: 'maker', scopes: ['*'], expires_in_days: 2 })
      const caller = hub.authenticate(maker.token, 'rest')
      const expiries = [undefined, 1, 30].map(async (expires_in_days, at) => {
        const made = await hub.create({ name: `made ${at}`, scopes: ['*'], expires_in_days }, caller)
        return (Date.parse(made.expires_at ?? '') - hub.clock.now()) / DAY_MS
      })
      assert.deepEqual(await Promise.all(expiries), [2, 1, 2])
    })

    test('a revoked token is refused at once, and its name is free', async () => {
      const { token } = await hub.create({ name: 'lost phone', scopes: ['*'] })
      assert.deepEqual(await hub.call('revoke_token', { name: 'lost phone' }), { revoked: 'lost phone' })
      assert.throws(() => hub.authenticate(token, 'rest'), { code: 'unauthenticated' })
      await assert.rejects(hub.call('revoke_token', { name: 'lost phone' }), { code: 'not_found' })
      const next = await hub.create({ name: 'lost phone', scopes: ['*'] })
      assert.equal(hub.authenticate(next.token, 'rest').name, 'lost phone')
    })

    test('tokens and their last use outlive the hub; a revoked one stays revoked', async () => {
      const kept = await hub.create({ name: 'kept', scopes: ['mqtt:*'] })
      const gone = await hub.create({ name: 'gone', scopes: ['*'] })
      const { id } = hub.authenticate(kept.token, 'mcp')
      await hub.call('revoke_token', { name: 'gone' })
      await hub.stop()
      assert.throws(() => hub.authenticate(kept.token, 'mcp'), { code: 'unauthenticated' })

      hub = await startHub(store)
      assert.equal(hub.authenticate(kept.token, 'mcp').id, id)
      assert.throws(() => hub.authenticate(gone.token, 'mcp'), { code: 'unauthenticated' })
      assert.partialDeepStrictEqual(await hub.list(), [{ name: 'kept', last_used_on: '2026-01-01' }])
    })

    test('the use of a token is written once a day', async () => {
      const { token } = await hub.create({ name: 'busy', scopes: ['*'] })
      const dayInStore = async () => {
        const rows = await store.as<{ tokens: { last_used_day: number } }>().selectFrom('tokens').selectAll().execute()
        return rows.map((row) => row.last_used_day)
      }
      hub.authenticate(token, 'rest')
      await hub.stop()
      const first = Math.floor(hub.clock.now() / DAY_MS)
      assert.deepEqual(await dayInStore(), [first])
      const clock = heldClock(hub.clock.now() + 3 * DAY_MS)
      hub = await startHub(store, clock)
      assert.deepEqual(await dayInStore(), [first])
      for (let call = 0; call < 100; call++) hub.authenticate(token, 'rest')
      await hub.stop()
      assert.deepEqual(await dayInStore(), [first + 3])
      hub = await startHub(store, clock)
    })

    const ann = () => hub.people.add({ name: 'ann', role: 'adult' })

    test('a token that somebody makes is theirs: it has their role, and what they may now', async () => {
      const person = await ann()
      const { token } = await hub.create({ name: 'tablet', scopes: ['mqtt:*', 'devices:write'] }, as(person))
      const caller = hub.authenticate(token, 'mcp')
      assert.deepEqual(caller, {
        id: caller.id,
        name: 'tablet',
        scopes: ['mqtt:*', 'devices:write'],
        person: person.id,
        role: 'adult',
        credential: caller.id,
        via: 'mcp',
      })
      await hub.people.change(person.id, { scopes: ['mqtt:read@room/hall', 'health:read'] })
      assert.deepEqual(hub.authenticate(token, 'mcp').scopes, ['mqtt:read@room/hall'])
      await hub.people.change(person.id, { role: 'guest', scopes: ['*'] })
      assert.partialDeepStrictEqual(hub.authenticate(token, 'mcp'), {
        role: 'guest',
        scopes: ['mqtt:*', 'devices:write'],
      })
      assert.partialDeepStrictEqual(await hub.list(), [{ name: 'tablet', person: 'ann' }])
    })

    test('whoever is disabled is refused with all their tokens, and let in with them again', async () => {
      const { id } = await ann()
      const { token } = await hub.create({ name: 'tablet', scopes: ['*'], for: 'ann' }, theOwner)
      await hub.people.change(id, { isDisabled: true })
      assert.throws(() => hub.authenticate(token, 'mcp'), { code: 'unauthenticated' })
      assert.partialDeepStrictEqual(await hub.list(), [{ name: 'tablet', scopes: [] }])
      await hub.people.change(id, { isDisabled: false })
      assert.equal(hub.authenticate(token, 'mcp').person, id)
    })

    test('the tokens of somebody who is removed are gone, with their names', async () => {
      const { id } = await ann()
      const { token } = await hub.create({ name: 'tablet', scopes: ['*'], for: 'ann' }, theOwner)
      const ended = new Promise((resolve) => {
        hub.events.on('access.ended', (event) => 'credential' in event && resolve(event.credential))
      })
      const { credential } = hub.authenticate(token, 'mcp')
      await hub.people.remove(id)
      assert.throws(() => hub.authenticate(token, 'mcp'), { code: 'unauthenticated' })
      assert.equal(await ended, credential)
      await hub.create({ name: 'tablet', scopes: ['mqtt:read'] })
    })

    const lent: [what: string, by: Partial<Caller>][] = [
      ['a program that somebody let in', { client: 'program', credential: 'grant' }],
      ['somebody whom another issuer alone knows', { id: 'issuer-1', role: 'adult', expiresMs: 9e15 }],
      ['an owner whom another issuer alone knows', { id: 'issuer-1', role: 'owner', expiresMs: 9e15 }],
    ]
    for (const [what, by] of lent)
      test(`${what} makes no token, which would stay when they go`, async () => {
        const caller: Caller = { ...callerWith('*'), ...by }
        await assert.rejects(hub.create({ name: 'mine', scopes: ['mqtt:read'] }, caller), {
          code: 'forbidden',
          message: /was lent/,
        })
        assert.deepEqual(await hub.list(), [])
      })

    test('for somebody else only an owner makes one, and it may no more than they', async () => {
      const person = await ann()
      const made = await hub.create({ name: 'all', scopes: ['*'], for: 'ann' }, theOwner)
      assert.deepEqual(made.scopes.toSorted(), [...person.scopes].toSorted())
      await hub.create({ name: 'own', scopes: ['mqtt:read'], for: 'ann' }, as(person))
      const strangers = [callerWith('*'), owner, as(await hub.people.add({ name: 'mia', role: 'adult' }))]
      for (const caller of strangers)
        await assert.rejects(hub.create({ name: 'x', scopes: ['mqtt:read'], for: 'ann' }, caller), {
          code: 'forbidden',
          message: /Only an owner/,
        })
      await assert.rejects(hub.create({ name: 'x', scopes: ['*'], for: 'nobody' }, theOwner), { code: 'not_found' })
    })

    test('somebody sees and ends their own tokens; whoever reads people sees all', async () => {
      const person = await ann()
      const mia = as(await hub.people.add({ name: 'mia', role: 'adult' }))
      await hub.create({ name: 'of ann', scopes: ['mqtt:read'] }, as(person))
      await hub.create({ name: 'of nobody', scopes: ['mqtt:read'] })
      const names = async (caller: Caller) => (await hub.list(caller)).map(({ name }) => name)
      assert.deepEqual(await names(mia), [])
      assert.deepEqual(await names(as(person)), ['of ann'])
      assert.deepEqual(await names({ ...mia, scopes: [...mia.scopes, 'people:read'] }), ['of ann', 'of nobody'])
      assert.deepEqual(await names(theOwner), ['of ann', 'of nobody'])
      for (const name of ['of ann', 'of nobody', 'of no sort'])
        await assert.rejects(hub.call('revoke_token', { name }, mia), {
          code: 'not_found',
          message: `There is no token called ${name}.`,
        })
      await hub.call('revoke_token', { name: 'of ann' }, as(person))
      assert.deepEqual(await names(theOwner), ['of nobody'])
    })

    test('with a token go those that it made, and those that they made', async () => {
      const chain = [await hub.create({ name: 'first', scopes: ['*'] })]
      for (const name of ['second', 'third'])
        chain.push(await hub.create({ name, scopes: ['*'] }, hub.authenticate(chain.at(-1)?.token ?? '', 'rest')))
      await hub.create({ name: 'other', scopes: ['*'] })
      const ids = chain.map(({ token }) => hub.authenticate(token, 'rest').id)
      const ended: string[] = []
      hub.events.on('access.ended', (event) => 'credential' in event && ended.push(event.credential))
      assert.deepEqual(await hub.call('revoke_token', { name: 'first' }), {
        revoked: 'first',
        also_revoked: ['second', 'third'],
      })
      for (const { token } of chain) assert.throws(() => hub.authenticate(token, 'rest'), { code: 'unauthenticated' })
      assert.deepEqual(ended.toSorted(), ids.toSorted())
      assert.partialDeepStrictEqual(await hub.list(), [{ name: 'other' }])
    })

    test('scopes with bounds are handed on within them', async () => {
      const caller = callerWith('tokens:write', 'mqtt:*@room/hall')
      const scopes = ['mqtt:read@room/hall', 'mqtt:*@room/hall@operation/mqtt.list_topics']
      const { token } = await hub.create({ name: 'hall', scopes }, caller)
      assert.deepEqual(hub.authenticate(token, 'rest').scopes, scopes)
      for (const scope of ['mqtt:read', 'mqtt:read@room/attic', 'mqtt:read@device/lamp'])
        await assert.rejects(hub.create({ name: 'more', scopes: [scope] }, caller), { code: 'forbidden' })
    })

    test('what is known of a token is looked up, not made anew', async () => {
      await ann()
      const { token } = await hub.create({ name: 'tablet', scopes: ['mqtt:*'], for: 'ann' }, theOwner)
      assert.equal(hub.authenticate(token, 'mcp').scopes, hub.authenticate(token, 'mcp').scopes)
    })

    const limited = callerWith('tokens:write', 'mqtt:read', 'lamps:*')
    const allowed: string[][] = [['mqtt:read'], ['lamps:*'], ['lamps:write', 'lamps:read'], ['tokens:write']]
    for (const scopes of allowed)
      test(`a caller hands on what it has: ${scopes.join(' ')}`, async () => {
        assert.deepEqual((await hub.create({ name: 'less', scopes }, limited)).scopes, scopes)
      })
    const denied: string[][] = [['*'], ['mqtt:*'], ['mqtt:write'], ['mqtt:read', 'health:read'], ['tokens:*']]
    for (const scopes of denied)
      test(`a caller cannot hand on what it lacks: ${scopes.join(' ')}`, async () => {
        await assert.rejects(hub.create({ name: 'more', scopes }, limited), { code: 'forbidden', message: /lacks/ })
        assert.deepEqual(await hub.list(), [])
      })

    test('a caller ends no token that may more than it', async () => {
      await hub.create({ name: 'mighty', scopes: ['*'] })
      await hub.create({ name: 'meek', scopes: ['mqtt:read'] })
      await assert.rejects(hub.call('revoke_token', { name: 'mighty' }, limited), {
        code: 'forbidden',
        message: /cannot end/,
      })
      await hub.call('revoke_token', { name: 'meek' }, limited)
      assert.deepEqual(
        (await hub.list()).map(({ name }) => name),
        ['mighty'],
      )
    })

    const refused: [why: string, input: object, code: string, says: RegExp][] = [
      ['no name', { name: ' ', scopes: ['*'] }, 'invalid_input', /name/],
      ['a name with a line break', { name: 'a\nb', scopes: ['*'] }, 'invalid_input', /name/],
      ['no scopes', { name: 'x', scopes: [] }, 'invalid_input', /scopes/],
      ['a scope that is none', { name: 'x', scopes: ['everything'] }, 'invalid_input', /scopes\[0\].*area:verb/],
      ['a star in the area', { name: 'x', scopes: ['*:read'] }, 'invalid_input', /scopes\[0\]/],
      ['expired from the start', { name: 'x', scopes: ['*'], expires_in_days: 0 }, 'invalid_input', /expires_in_days/],
      [
        'a mistyped key',
        { name: 'x', scopes: ['*'], expires_in_day: 1 },
        'invalid_input',
        /did you mean expires_in_days/,
      ],
    ]
    for (const [why, input, code, says] of refused)
      test(`refuses: ${why}`, () =>
        assert.rejects(hub.create(input), (fault: Fault) => fault.code === code && says.test(fault.message)))

    test('two calls for one name at once: one wins', async () => {
      const outcomes = await Promise.allSettled([1, 2, 3].map(() => hub.create({ name: 'one', scopes: ['*'] })))
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') assert.match((outcome.reason as Fault).message, /already a token called one/)
      assert.equal((await hub.list()).length, 1)
    })

    test('needs its own scopes', async () => {
      const reader = callerWith('tokens:read')
      await hub.call('list_tokens', {}, reader)
      await assert.rejects(hub.create({ name: 'x', scopes: ['tokens:read'] }, reader), { code: 'forbidden' })
      await assert.rejects(hub.call('revoke_token', { name: 'x' }, reader), { code: 'forbidden' })
      await assert.rejects(hub.call('list_tokens', {}, callerWith('mqtt:read')), { code: 'forbidden' })
    })
  })
}
