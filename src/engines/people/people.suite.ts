import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, suite, test } from 'node:test'
import { heldClock, type HeldClock } from '../../kernel/clock.ts'
import { createEvents } from '../../kernel/events.ts'
import type { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import { createLoginThrottle } from '../../kernel/login-throttle.ts'
import type { AttemptFrom, OpenPeople } from '../../kernel/people.ts'
import { DEFAULT_ROLES } from '../../kernel/role.ts'
import type { OpenStore } from '../store/open-store.ts'
import { hashPassword } from './password-hash.ts'
import { openPeople } from './people.ts'
import type { PeopleTables } from './table.ts'

const PASSWORD = 'correct horse battery'
const HOME: AttemptFrom = { via: 'rest', address: '192.0.2.1' }
const MINUTE_MS = 60_000

interface Place {
  readonly people: OpenPeople
  readonly clock: HeldClock
  /** Ids of people, as `access.ended` told them. */
  readonly ended: string[]
}

async function openPlace(store: OpenStore, clock = heldClock()): Promise<Place> {
  const events = createEvents((error) => {
    throw error
  })
  const ended: string[] = []
  events.on('access.ended', (event) => 'person' in event && ended.push(event.person))
  const throttle = createLoginThrottle(clock)
  const people = await openPeople({
    store,
    events,
    throttle,
    clock,
    roles: DEFAULT_ROLES,
    takenNames: ['node-red'],
    log: silentLog,
    cores: 4,
  })
  return { people, clock, ended }
}

export function peopleSuite(name: string, open: () => Promise<OpenStore>): void {
  suite(`people on ${name}`, () => {
    let store: OpenStore
    let place: Place
    before(async () => {
      store = await open()
    })
    after(() => store.close())
    beforeEach(async () => {
      place = await openPlace(store)
      for (const { id } of place.people.list()) await place.people.remove(id)
      place.ended.length = 0
    })
    afterEach(() => place.people.close())

    const mia = () => place.people.add({ name: 'mia', role: 'child', password: PASSWORD })

    test('somebody has the grants of their role, or their own instead; a new role brings its own', async () => {
      const { people } = place
      const added = await mia()
      assert.match(added.id, /^person-[\w-]{12}$/)
      assert.deepEqual(added, {
        id: added.id,
        name: 'mia',
        role: 'child',
        scopes: DEFAULT_ROLES.child.scopes,
        hasPassword: true,
        isDisabled: false,
        createdMs: place.clock.now(),
        passwordSetMs: place.clock.now(),
      })
      const bound = await people.change(added.id, { scopes: ['devices:*@room/kitchen'] })
      assert.deepEqual(bound.scopes, ['devices:*@room/kitchen'])
      assert.deepEqual((await people.change(added.id, { role: 'adult' })).scopes, DEFAULT_ROLES.adult.scopes)
      assert.equal(people.get(added.id), people.named('mia'))
      assert.deepEqual(people.list(), [people.named('mia')])
    })

    test('people, their passwords and pairings outlive the hub', async () => {
      const { id } = await mia()
      const { code } = await place.people.pair(id, { createdBy: 'owner', lifeMs: 10 * MINUTE_MS })
      await place.people.close()
      place = await openPlace(store, place.clock)
      assert.equal((await place.people.login('mia', PASSWORD, HOME)).id, id)
      assert.equal((await place.people.redeem(code, HOME)).person.id, id)
    })

    test('who may do something else than before is told of; who is as they were, is not', async () => {
      const { people, ended } = place
      const { id } = await mia()
      const ben = await people.add({ name: 'ben', role: 'guest' })
      assert.deepEqual(ended, [])
      const heard: string[] = []
      const off = people.onChange((changed) => heard.push(changed))
      await people.change(id, { isDisabled: true })
      await people.change(id, { isDisabled: true })
      await people.change(id, {})
      assert.deepEqual(ended, [id])
      await people.change(ben.id, { role: 'service' })
      place.clock.advance(1)
      await people.setPassword(id, 'another good one')
      await people.remove(id)
      assert.deepEqual(ended, [id, ben.id, id, id])
      assert.deepEqual(heard, ended)
      off()
      assert.equal(people.get(id), undefined)
      await people.remove(ben.id)
      assert.equal(heard.length, 4)
    })

    test('the password lets in, however its letters were typed and the name was written', async () => {
      const { people } = place
      const { id } = await people.add({ name: 'mia', role: 'child', password: 'Zwölf Äpfel im Fluß' })
      for (const [typed, password] of [
        ['mia', 'Zwölf Äpfel im Fluß'],
        [' Mia ', 'Zwölf Äpfel im Fluß'.normalize('NFD')],
      ] as const)
        assert.equal((await people.login(typed, password, HOME)).id, id)
    })

    const wrong: [why: string, name: string, password: string][] = [
      ['another password', 'mia', 'wrong horse battery'],
      ['no password', 'mia', ''],
      ['the case of a letter', 'mia', PASSWORD.toUpperCase()],
      ['the password with more after it', 'mia', `${PASSWORD}\0`],
      ['nobody of that name', 'nobody', PASSWORD],
      ['a name that is an object’s', '__proto__', PASSWORD],
      ['somebody without a password', 'ben', ''],
      ['somebody who is disabled', 'eve', PASSWORD],
      ['a password of a megabyte', 'mia', 'x'.repeat(1_000_000)],
      ['the hash itself', 'mia', '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$A'],
    ]
    test('nothing else does, and every refusal reads the same', async () => {
      const { people, clock } = place
      await mia()
      await people.add({ name: 'ben', role: 'guest' })
      const { id } = await people.add({ name: 'eve', role: 'adult', password: PASSWORD })
      await people.change(id, { isDisabled: true })
      const texts = new Set<string>()
      for (const [why, name, password] of wrong) {
        clock.advance(60 * MINUTE_MS)
        await assert.rejects(
          people.login(name, password, HOME),
          (fault: Fault) => {
            texts.add(`${fault.message} ${fault.hint}`)
            return fault.code === 'unauthenticated'
          },
          why,
        )
      }
      assert.equal(texts.size, 1)
    })

    test('guesses are throttled, also those made at once', async () => {
      const { people, clock } = place
      await mia()
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, at) => people.login('mia', `wrong horse ${at}`, HOME)),
      )
      const codes = outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as Fault).code)
      assert.equal(codes.filter((code) => code === 'unauthenticated').length, 5)
      assert.equal(codes.filter((code) => code === 'rate_limited').length, 15)
      await assert.rejects(people.login('mia', PASSWORD, HOME), { code: 'rate_limited', retryAfterMs: 1000 })
      await people.login('mia', PASSWORD, { via: 'rest', address: '192.0.2.2' })
      clock.advance(1000)
      await people.login('mia', PASSWORD, HOME)
    })

    test('who finds too many waiting did not guess', async () => {
      const { people } = place
      await mia()
      // Two at work, 30 waiting.
      const crowd = Array.from({ length: 32 }, (_, at) =>
        people.login(`stranger-${at}`, PASSWORD, { via: 'rest', address: `198.51.100.${at}` }),
      )
      const outcomes = Promise.allSettled(crowd)
      for (let at = 0; at < 10; at++)
        await assert.rejects(people.login('mia', 'wrong horse', HOME), {
          message: /Too many people/,
          retryAfterMs: 2000,
        })
      await outcomes
      for (let at = 0; at < 4; at++)
        await assert.rejects(people.login('mia', 'wrong horse', HOME), { code: 'unauthenticated' })
      await people.login('mia', PASSWORD, HOME)
    })

    test('a password that is changed while somebody logs in with the old one lets nobody in', async () => {
      const { people, clock } = place
      const { id } = await mia()
      clock.advance(1)
      const changing = people.setPassword(id, 'another good one')
      const outcomes = await Promise.allSettled([1, 2, 3].map(() => people.login('mia', PASSWORD, HOME)))
      await changing
      // Whoever was let in came before the change.
      for (const outcome of outcomes)
        if (outcome.status === 'fulfilled') assert.ok((outcome.value.passwordSetMs ?? 0) < clock.now())
      await assert.rejects(people.login('mia', PASSWORD, HOME), { code: 'unauthenticated' })
      await people.login('mia', 'another good one', HOME)
    })

    test('a hash that was cheaper is made anew at the next login, and ends nothing', async () => {
      const { people, ended } = place
      const { id } = await mia()
      const stored = async () => {
        const row = await store.as<PeopleTables>().selectFrom('people').select('password').executeTakeFirst()
        return row?.password ?? ''
      }
      const cheap = await hashPassword(PASSWORD, { memoryKiB: 64, passes: 1, lanes: 1 })
      await store.as<PeopleTables>().updateTable('people').set({ password: cheap }).execute()
      await people.close()
      place = await openPlace(store, place.clock)
      await place.people.login('mia', PASSWORD, HOME)
      assert.match(await stored(), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
      const made = await stored()
      assert.equal((await place.people.login('mia', PASSWORD, HOME)).id, id)
      assert.equal(await stored(), made)
      assert.deepEqual([...ended, ...place.ended], [])
    })

    test('the database holds neither a password nor a code', async () => {
      const { id } = await mia()
      const { code } = await place.people.pair(id, { createdBy: 'owner', lifeMs: MINUTE_MS })
      const db = store.as<PeopleTables>()
      const rows = [
        ...(await db.selectFrom('people').selectAll().execute()),
        ...(await db.selectFrom('people_pairings').selectAll().execute()),
      ]
      assert.equal(rows.length, 2)
      for (const secret of [PASSWORD, code, code.replaceAll('-', '')]) assert.ok(!JSON.stringify(rows).includes(secret))
    })

    test('a pairing code is good once, however it is typed', async () => {
      const { people } = place
      const { id } = await mia()
      const made = await people.pair(id, { createdBy: 'owner', lifeMs: 10 * MINUTE_MS })
      assert.match(made.code, /^[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}$/)
      const { code: _, ...listed } = made
      assert.deepEqual(await people.pairings(), [listed])
      const typed = ` ${made.code.toLowerCase().replaceAll('-', ' ')} `
      const outcomes = await Promise.allSettled([1, 2, 3].map(() => people.redeem(typed, HOME)))
      const good = outcomes.filter((outcome) => outcome.status === 'fulfilled')
      assert.deepEqual(
        good.map(({ value }) => value),
        [{ person: people.get(id), scopes: DEFAULT_ROLES.child.scopes, isOwn: false }],
      )
      await assert.rejects(people.redeem(made.code, HOME), { code: 'unauthenticated' })
      assert.deepEqual(await people.pairings(), [])
    })

    test('a pairing gives what it was made for, as far as its person still may', async () => {
      const { people } = place
      const { id } = await people.add({ name: 'ann', role: 'adult' })
      const scopes = ['devices:write', 'gateway:read']
      const { code } = await people.pair(id, { scopes, createdBy: 'owner', lifeMs: MINUTE_MS })
      await people.change(id, { scopes: ['devices:*@room/kitchen', 'mqtt:read'] })
      assert.deepEqual((await people.redeem(code, HOME)).scopes, ['devices:write@room/kitchen'])
    })

    const useless: [why: string, spoil: (id: string, pairing: string) => Promise<unknown> | void][] = [
      ['it is too old', () => place.clock.advance(10 * MINUTE_MS)],
      ['it was cancelled', (_, pairing) => place.people.cancelPairing(pairing)],
      ['its person is disabled', (id) => place.people.change(id, { isDisabled: true })],
      [
        'its person was disabled meanwhile',
        async (id) => {
          await place.people.change(id, { isDisabled: true })
          await place.people.change(id, { isDisabled: false })
        },
      ],
      ['its person has another password', (id) => place.people.setPassword(id, 'an entirely new secret')],
      ['its person is gone', (id) => place.people.remove(id)],
    ]
    for (const [why, spoil] of useless)
      test(`a pairing code is refused: ${why}`, async () => {
        const { id } = await mia()
        const { code, id: pairing } = await place.people.pair(id, { createdBy: 'owner', lifeMs: 10 * MINUTE_MS })
        await spoil(id, pairing)
        await assert.rejects(place.people.redeem(code, HOME), { code: 'unauthenticated' })
      })

    test('guesses of codes are throttled by address', async () => {
      const codes: unknown[] = []
      for (let at = 0; at < 30; at++)
        await place.people.redeem('K7QM-3XHD-9FTW', HOME).catch((fault: Fault) => codes.push(fault.code))
      assert.equal(codes.indexOf('rate_limited'), 20)
    })

    test('few codes wait for one person', async () => {
      const { people } = place
      const { id } = await mia()
      const pair = () => people.pair(id, { createdBy: 'owner', lifeMs: MINUTE_MS })
      for (let at = 0; at < 10; at++) await pair()
      await assert.rejects(pair(), { code: 'conflict', message: /10 pairing codes of mia/ })
      place.clock.advance(MINUTE_MS)
      await pair()
      await assert.rejects(people.cancelPairing('pairing-none'), { code: 'not_found' })
    })

    const refused: [why: string, person: { name: string; password?: string }, code: string, says: RegExp][] = [
      ['an empty name', { name: '' }, 'invalid_input', /A name has/],
      ['capital letters', { name: 'Mia' }, 'invalid_input', /A name has/],
      ['a level of a topic', { name: 'mia/x' }, 'invalid_input', /A name has/],
      ['a wildcard', { name: 'mia+' }, 'invalid_input', /A name has/],
      ['a dot at the end', { name: 'mia.' }, 'invalid_input', /A name has/],
      ['a line break', { name: 'mia\n' }, 'invalid_input', /A name has/],
      ['33 characters', { name: 'm'.repeat(33) }, 'invalid_input', /A name has/],
      ['the owner', { name: 'owner' }, 'conflict', /owner is taken/],
      ['the hub’s own login', { name: 'session' }, 'conflict', /session is taken/],
      ['a user of the broker', { name: 'node-red' }, 'conflict', /node-red is taken/],
      ['somebody there is', { name: 'zoe' }, 'conflict', /zoe is taken/],
      ['nine characters', { name: 'mia', password: 'abcd1234!' }, 'invalid_input', /fewer than 10/],
      ['1,025 bytes', { name: 'mia', password: `${'é'.repeat(512)}x` }, 'invalid_input', /longer than 1024 bytes/],
      ['the worst', { name: 'mia', password: 'Password123' }, 'invalid_input', /among the first/],
      ['one letter', { name: 'mia', password: 'aaaaaaaaaaaaaa' }, 'invalid_input', /among the first/],
      ['the name', { name: 'maximilian', password: 'Maximilian-2026' }, 'invalid_input', /the name/],
      ['the name again and again', { name: 'mia', password: 'miaMIA12345mia' }, 'invalid_input', /the name/],
      ['a line break inside', { name: 'mia', password: 'correct\nhorse battery' }, 'invalid_input', /no keyboard/],
    ]
    for (const [why, person, code, says] of refused)
      test(`refuses to add: ${why}`, async () => {
        await place.people.add({ name: 'zoe', role: 'guest' })
        await assert.rejects(place.people.add({ role: 'guest', ...person }), (fault: Fault) => {
          const said = JSON.stringify([fault.message, fault.hint, fault.details])
          assert.ok(person.password === undefined || !said.includes(person.password))
          return fault.code === code && says.test(fault.message)
        })
        assert.equal(place.people.list().length, 1)
      })

    test('a password of digits, and one of 1,024 bytes, are fine', async () => {
      await place.people.add({ name: 'mia', role: 'guest', password: '83749 28374' })
      await place.people.add({ name: 'ben', role: 'guest', password: 'é'.repeat(510) + 'abcd' })
    })

    test('two at once for one name: one wins', async () => {
      const outcomes = await Promise.allSettled([1, 2, 3].map(() => place.people.add({ name: 'mia', role: 'guest' })))
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') assert.equal((outcome.reason as Fault).message, 'The name mia is taken.')
    })

    test('what concerns nobody is not found', async () => {
      const { people } = place
      for (const work of [
        people.change('person-none', { role: 'guest' }),
        people.remove('person-none'),
        people.setPassword('person-none', PASSWORD),
        people.pair('person-none', { createdBy: 'owner', lifeMs: 1 }),
      ])
        await assert.rejects(work, { code: 'not_found' })
    })
  })
}
