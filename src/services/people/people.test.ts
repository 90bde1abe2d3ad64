import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { openPeople } from '../../engines/people/people.ts'
import { openSqlite } from '../../engines/store/sqlite.ts'
import type { Caller } from '../../kernel/caller.ts'
import { heldClock } from '../../kernel/clock.ts'
import type { Fault } from '../../kernel/fault.ts'
import { OWNER } from '../../kernel/identity.ts'
import { silentLog } from '../../kernel/log.ts'
import { createLoginThrottle } from '../../kernel/login-throttle.ts'
import type { PeopleKeeper, Person } from '../../kernel/people.ts'
import { DEFAULT_ROLES } from '../../kernel/role.ts'
import { callerWith, testDoor } from '../../testing/hub.ts'
import { peopleService } from './index.ts'

const owner: Caller = { ...OWNER, via: 'cli' }
const PASSWORD = 'correct horse battery'
const OTHER = 'another good battery'

/** What a caller may who is somebody: all that they may, or less. */
const as = ({ id, name, role, scopes }: Person, less: readonly string[] = scopes): Caller => ({
  id,
  name,
  role,
  scopes: less,
  person: id,
  via: 'rest',
  address: '192.0.2.1',
})

/** The service in a hub without sockets, with Ann (adult who keeps the people), Mia (child) and Olaf (owner). */
async function startHome(t: TestContext) {
  const store = openSqlite({ file: ':memory:', log: silentLog })
  const clock = heldClock()
  const door = testDoor([], { clock })
  const throttle = createLoginThrottle(clock)
  const part = peopleService({
    origin: () => 'https://home.example',
    open: (ports) => openPeople({ ...ports, throttle, roles: DEFAULT_ROLES }),
  }).join({ clock, events: door.events, log: silentLog }, door.registry, () => ({ status: 'available', sinceMs: 0 }))
  const running = await part.start({ store }, new AbortController().signal)
  t.after(async () => {
    await running.stop()
    await store.close()
  })
  const people = running.value as PeopleKeeper
  const call = async (operation: string, input: object, caller = owner) =>
    (await door.invoke({ operation, input, caller })) as Record<string, unknown>
  const somebody = async (name: string, input: object): Promise<Person> => {
    await call('add_person', { name, ...input })
    return people.named(name) ?? assert.fail()
  }
  return {
    people,
    clock,
    call,
    ann: await somebody('ann', { role: 'adult', scopes: [...DEFAULT_ROLES.adult.scopes, 'people:*'] }),
    mia: await somebody('mia', { role: 'child', password: PASSWORD }),
    olaf: await somebody('olaf', { role: 'owner' }),
  }
}

const forbidden = (says: RegExp) => (fault: Fault) => fault.code === 'forbidden' && says.test(fault.message)

suite('people service', () => {
  test('adds, lists, changes and removes people', async (t) => {
    const { call, people, clock } = await startHome(t)
    const added = await call('add_person', { name: 'ben', role: 'guest', scopes: ['devices:*@room/hall'] })
    const ben = {
      name: 'ben',
      role: 'guest',
      scopes: ['devices:*@room/hall'],
      has_password: false,
      disabled: false,
      created_at: new Date(clock.now()).toISOString(),
    }
    assert.deepEqual(added, ben)
    const { people: listed } = (await call('list_people', {})) as { people: { name: string }[] }
    assert.deepEqual(
      listed.map(({ name }) => name),
      ['ann', 'ben', 'mia', 'olaf'],
    )
    assert.partialDeepStrictEqual(await call('change_person', { name: 'ben', new_name: 'benno', disabled: true }), {
      name: 'benno',
      disabled: true,
      scopes: ['devices:*@room/hall'],
    })
    assert.partialDeepStrictEqual(await call('change_person', { name: 'benno', role: 'child' }), {
      role: 'child',
      scopes: DEFAULT_ROLES.child.scopes,
    })
    assert.deepEqual(await call('remove_person', { name: 'benno' }), { removed: 'benno' })
    assert.equal(people.named('benno'), undefined)
    await assert.rejects(call('remove_person', { name: 'benno' }), { code: 'not_found', message: /benno/ })
  })

  test('no answer has a password or what is kept of it', async (t) => {
    const { call } = await startHome(t)
    const said = JSON.stringify([
      await call('add_person', { name: 'ben', role: 'child', password: PASSWORD }),
      await call('list_people', {}),
      await call('set_password', { name: 'ben', password: OTHER }),
    ])
    assert.ok(!said.includes(PASSWORD) && !said.includes(OTHER) && !said.includes('argon2'))
  })

  type Home = Awaited<ReturnType<typeof startHome>>
  const refusals: [why: string, operation: string, input: object, by: (home: Home) => Caller, says: RegExp][] = [
    [
      'scopes it lacks',
      'add_person',
      { name: 'x', role: 'guest', scopes: ['audit:read'] },
      ({ ann }) => as(ann),
      /lacks: audit:read/,
    ],
    ['everything', 'add_person', { name: 'x', role: 'guest', scopes: ['*'] }, ({ ann }) => as(ann), /lacks: \*/],
    [
      'everything in a room',
      'add_person',
      { name: 'x', role: 'guest', scopes: ['*@room/hall'] },
      ({ ann }) => as(ann),
      /lacks/,
    ],
    ['an owner', 'add_person', { name: 'x', role: 'owner', scopes: [] }, ({ ann }) => as(ann), /Only an owner/],
    [
      'an owner, with a token for everything',
      'add_person',
      { name: 'x', role: 'owner' },
      () => callerWith('*'),
      /Only an owner/,
    ],
    [
      'a role that may more',
      'add_person',
      { name: 'x', role: 'adult' },
      ({ ann }) => as(ann, ['people:write', 'mqtt:*']),
      /lacks/,
    ],
    [
      'without its bounds',
      'add_person',
      { name: 'x', role: 'guest', scopes: ['mqtt:read'] },
      ({ ann }) => as(ann, ['people:write', 'mqtt:*@room/hall']),
      /lacks/,
    ],
    ['an owner’s role', 'change_person', { name: 'olaf', role: 'guest' }, ({ ann }) => as(ann), /Only an owner/],
    ['an owner’s password', 'set_password', { name: 'olaf', password: OTHER }, ({ ann }) => as(ann), /Only an owner/],
    ['an owner in', 'pair', { name: 'olaf' }, ({ ann }) => as(ann), /Only an owner/],
    ['an owner out', 'remove_person', { name: 'olaf' }, () => callerWith('*'), /Only an owner/],
    [
      'one who may more, to a guest',
      'change_person',
      { name: 'ann', role: 'guest' },
      ({ mia }) => as(mia, ['people:write']),
      /may more than mia/,
    ],
    [
      'one who may more, out',
      'change_person',
      { name: 'ann', disabled: true },
      ({ mia }) => as(mia, ['people:write']),
      /may more than mia/,
    ],
    [
      'one who may more, their password',
      'set_password',
      { name: 'ann', password: OTHER },
      ({ mia }) => as(mia, ['people:*']),
      /may more than mia/,
    ],
    ['one who may more, in', 'pair', { name: 'ann' }, ({ mia }) => as(mia, ['people:*']), /may more than mia/],
    [
      'itself more',
      'change_person',
      { name: 'mia', scopes: ['*'] },
      ({ mia }) => as(mia, [...mia.scopes, 'people:write']),
      /lacks: \*/,
    ],
    [
      'itself a say',
      'change_person',
      { name: 'mia', role: 'service', scopes: [] },
      ({ mia }) => as(mia, [...mia.scopes, 'people:write']),
      /does not decide alone/,
    ],
    [
      'somebody else a say',
      'add_person',
      { name: 'x', role: 'service' },
      ({ mia }) => as(mia, ['people:write']),
      /does not decide alone/,
    ],
    [
      'others’ passwords without people:write',
      'set_password',
      { name: 'ann', password: OTHER },
      ({ mia }) => as(mia),
      /people:write/,
    ],
    ['others in without people:write', 'pair', { name: 'olaf' }, ({ mia }) => as(mia), /people:write/],
    ['itself in with more than it came with', 'pair', {}, ({ mia }) => as(mia, ['people:own', 'mqtt:read']), /lacks/],
    ['a list without people:read', 'list_people', {}, ({ mia }) => as(mia), /people:read/],
    [
      'a password over MCP',
      'set_password',
      { name: 'mia', password: OTHER },
      () => ({ ...owner, via: 'mcp' }),
      /not for models/,
    ],
    [
      'a password with a new person over MCP',
      'add_person',
      { name: 'x', role: 'guest', password: OTHER },
      () => ({ ...owner, via: 'mcp' }),
      /not for models/,
    ],
    ['a code over MCP', 'pair', { name: 'mia' }, () => ({ ...owner, via: 'mcp' }), /not for models/],
  ]
  for (const [why, operation, input, by, says] of refusals)
    test(`nobody gives or takes ${why}: ${operation}`, async (t) => {
      const home = await startHome(t)
      const before = home.people.list()
      await assert.rejects(home.call(operation, input, by(home)), forbidden(says))
      assert.deepEqual(home.people.list(), before)
      assert.deepEqual(await home.people.pairings(), [])
    })

  test('whoever keeps the people can do with those who may less what they like', async (t) => {
    const { call, people, ann } = await startHome(t)
    const by = as(ann)
    await call('change_person', { name: 'mia', scopes: ['mqtt:read@room/hall'] }, by)
    await call('set_password', { name: 'mia', password: OTHER }, by)
    assert.equal((await people.login('mia', OTHER, { via: 'rest' })).name, 'mia')
    await call('pair', { name: 'mia' }, by)
    await call('remove_person', { name: 'mia' }, by)
    await call('add_person', { name: 'gus', role: 'guest' }, by)
  })

  test('an owner makes and unmakes owners', async (t) => {
    const { call, olaf } = await startHome(t)
    await call('add_person', { name: 'olga', role: 'owner' }, as(olaf))
    await call('change_person', { name: 'olga', role: 'adult' }, as(olaf))
    await call('remove_person', { name: 'olaf' })
  })

  test('nobody shuts themselves out by mistake', async (t) => {
    const { call, ann } = await startHome(t)
    await assert.rejects(call('change_person', { name: 'ann', disabled: true }, as(ann)), { code: 'conflict' })
    await assert.rejects(call('remove_person', { name: 'ann' }, as(ann)), { code: 'conflict' })
  })

  test('one’s own password takes the one that one has', async (t) => {
    const { call, people, mia } = await startHome(t)
    const set = (input: object, caller = as(mia)) => call('set_password', { password: OTHER, ...input }, caller)
    await assert.rejects(set({}), { code: 'invalid_input', message: /current_password: missing/ })
    await assert.rejects(set({ current_password: OTHER }), { code: 'unauthenticated' })
    await assert.rejects(set({ name: 'mia', current_password: OTHER }), { code: 'unauthenticated' })
    assert.deepEqual(await set({ current_password: PASSWORD }), { name: 'mia' })
    await people.login('mia', OTHER, { via: 'rest' })
  })

  test('guesses at one’s own password are throttled as logins are', async (t) => {
    const { call, mia } = await startHome(t)
    const guess = () => call('set_password', { password: OTHER, current_password: 'wrong' }, as(mia))
    for (let at = 0; at < 5; at++) await assert.rejects(guess, { code: 'unauthenticated' })
    await assert.rejects(guess, { code: 'rate_limited' })
  })

  test('a first password takes all that one may', async (t) => {
    const { call, ann } = await startHome(t)
    const set = (caller: Caller) => call('set_password', { password: PASSWORD }, caller)
    await assert.rejects(set(as(ann, ['people:own'])), forbidden(/may less than ann/))
    assert.deepEqual(await set(as(ann)), { name: 'ann' })
    await assert.rejects(set(owner), { code: 'invalid_input', message: /no person/ })
  })

  const lent: [what: string, by: Partial<Caller>][] = [
    ['a program that was let in', { client: 'program', credential: 'grant', audience: 'https://home.example/mcp' }],
    ['a token that ends', { id: 'token-1', credential: 'token-1', expiresMs: 9e15 }],
    ['a token of another issuer', { credential: 'issuer-1', expiresMs: 9e15 }],
  ]
  for (const [what, by] of lent)
    test(`${what} lets in nothing that stays when it goes`, async (t) => {
      const { call, people, ann, mia } = await startHome(t)
      await assert.rejects(call('pair', {}, { ...as(mia), ...by }), forbidden(/was lent/))
      await assert.rejects(call('set_password', { password: PASSWORD }, { ...as(ann), ...by }), forbidden(/was lent/))
      assert.deepEqual(await people.pairings(), [])
      assert.equal(people.get(ann.id)?.hasPassword, false)
    })

  test('whose own a code is is known, whatever they came by', async (t) => {
    const { call, people, mia } = await startHome(t)
    const { code } = await call('pair', {}, { ...as(mia), id: 'token-1', credential: 'token-1' })
    assert.equal((await people.redeem(String(code), { via: 'rest' })).isOwn, true)
    const byOwner = await call('pair', { name: 'mia' })
    assert.equal((await people.redeem(String(byOwner['code']), { via: 'rest' })).isOwn, false)
  })

  test('a pairing is shown once, with an address that hides the code from logs', async (t) => {
    const { call, people, clock, mia } = await startHome(t)
    const made = await call('pair', {}, as(mia))
    const { code, url, id, ...rest } = made
    assert.equal(url, `https://home.example/pair#${String(code)}`)
    assert.deepEqual(rest, {
      name: 'mia',
      scopes: [...mia.scopes],
      created_at: new Date(clock.now()).toISOString(),
      expires_at: new Date(clock.now() + 600_000).toISOString(),
    })
    assert.deepEqual(await call('list_pairings', {}), { pairings: [{ id, ...rest }] })
    assert.equal((await people.redeem(String(code), { via: 'rest' })).person, mia)
    const less = await call('pair', { name: 'mia', scopes: ['mqtt:read'], expires_in_minutes: 1440 })
    assert.deepEqual(await call('cancel_pairing', { id: less['id'] }), { cancelled: less['id'] })
    await assert.rejects(people.redeem(String(less['code']), { via: 'rest' }), { code: 'unauthenticated' })
    await call('change_person', { name: 'mia', disabled: true })
    await assert.rejects(call('pair', { name: 'mia' }), { code: 'conflict', message: /disabled/ })
  })

  const wrong: [why: string, operation: string, input: object, says: RegExp][] = [
    ['a role there is not', 'add_person', { name: 'x', role: 'king' }, /role/],
    ['no role', 'add_person', { name: 'x' }, /role/],
    ['a name with a slash', 'add_person', { name: 'a/b', role: 'guest' }, /name/],
    ['a scope that is none', 'add_person', { name: 'x', role: 'guest', scopes: ['all'] }, /scopes\[0\]/],
    ['a bound of no kind', 'add_person', { name: 'x', role: 'guest', scopes: ['mqtt:read@house/x'] }, /scopes\[0\]/],
    ['a code for ever', 'pair', { name: 'mia', expires_in_minutes: 100_000 }, /expires_in_minutes/],
    ['no scopes at all for a device', 'pair', { name: 'mia', scopes: [] }, /scopes/],
  ]
  for (const [why, operation, input, says] of wrong)
    test(`refuses ${why}`, async (t) => {
      const { call } = await startHome(t)
      await assert.rejects(
        call(operation, input),
        (fault: Fault) => fault.code === 'invalid_input' && says.test(fault.message),
      )
    })
})
