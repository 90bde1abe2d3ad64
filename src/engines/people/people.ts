import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { LoginThrottle } from '../../kernel/login-throttle.ts'
import { PERSON_NAME, type OpenPeople, type Person } from '../../kernel/people.ts'
import type { Store } from '../../kernel/ports.ts'
import type { RoleTable } from '../../kernel/role.ts'
import { openSharedCopy } from '../../kernel/shared-copy.ts'
import { createHashQueue } from './hash-queue.ts'
import { createPasswordLogin } from './login.ts'
import { createPairings } from './pairings.ts'
import { hashPassword } from './password-hash.ts'
import { checkPassword } from './password-rules.ts'
import { Register } from './register.ts'
import { MIGRATIONS, type PeopleTables, type PersonRow } from './table.ts'

export interface PeopleOptions {
  readonly store: Store
  readonly events: Events
  readonly throttle: LoginThrottle
  readonly roles: RoleTable
  /** Names that somebody has at the broker already. */
  readonly takenNames?: readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** Cores of the machine; tests say others. */
  readonly cores?: number
}

/** Logins and names of the hub itself, and of nobody. */
const OWN_NAMES: ReadonlySet<string> = new Set(['owner', 'alicia', 'hub', 'session', 'anonymous'])

/** A home's, not a town's: everybody is held in memory. */
const MOST_PEOPLE = 500

/** The people of the home, in the database and in memory. Throws Fault `storage_failed`, `unavailable`. */
export async function openPeople(options: PeopleOptions): Promise<OpenPeople> {
  const { store, events, throttle, roles, takenNames = [], clock, log, cores = availableParallelism() } = options
  await store.migrate('people', MIGRATIONS)
  const register = new Register(roles, (id) => events.emit('access.ended', { person: id }))
  const copy = await openSharedCopy({
    store,
    topic: 'people',
    clock,
    log,
    load: async () => register.replace(await store.as<PeopleTables>().selectFrom('people').selectAll().execute()),
  })
  const queue = createHashQueue(cores)
  const login = createPasswordLogin({ copy, register, throttle, queue, log })
  const pairings = createPairings({ store, register, throttle, clock })

  /** Throws Fault `invalid_input`, `conflict`. */
  const checkName = (name: string) => {
    if (!PERSON_NAME.test(name))
      throw new Fault('invalid_input', 'A name has 1 to 32 of: a to z, 0 to 9, and . _ - inside.', {
        hint: 'It is what the person logs in with.',
      })
    if (OWN_NAMES.has(name) || takenNames.includes(name) || register.named(name)) throw taken(name)
  }

  const passwordOf = async (password: string, name: string) => {
    checkPassword(password, name)
    return { password: await queue.run(() => hashPassword(password), true), password_set_at: clock.now() }
  }

  /** `isAnew`: what was made to let them in before lets nobody in any more. */
  const update = async (id: string, values: Partial<PersonRow>, isAnew = values.disabled === 1): Promise<Person> => {
    await copy
      .change<PeopleTables, unknown>(async (db) => {
        await db.updateTable('people').set(values).where('id', '=', id).execute()
        if (isAnew) await db.deleteFrom('people_pairings').where('person', '=', id).execute()
      })
      .catch((error: unknown) => {
        throw isConflict(error) && values.name !== undefined ? taken(values.name) : error
      })
    return register.require(id)
  }

  return {
    roles,
    list: () => register.list(),
    get: (id) => register.get(id),
    named: (name) => register.named(name),
    onChange: (listener) => register.onChange(listener),
    login,
    ...pairings,
    async add({ name, role, scopes, password }) {
      checkName(name)
      if (register.list().length >= MOST_PEOPLE) throw tooMany()
      const row: PersonRow = {
        id: `person-${randomBytes(9).toString('base64url')}`,
        name,
        role,
        scopes: scopes === undefined ? null : JSON.stringify([...new Set(scopes)]),
        ...(password === undefined ? { password: null, password_set_at: null } : await passwordOf(password, name)),
        disabled: 0,
        created_at: clock.now(),
      }
      await copy
        .change<PeopleTables, unknown>((db) => db.insertInto('people').values(row).execute())
        .catch((error: unknown) => {
          // Another call, or another hub on this database, was quicker.
          throw isConflict(error) ? taken(name) : error
        })
      return register.require(row.id)
    },
    async change(id, { name, role, scopes, isDisabled }) {
      const before = register.require(id)
      if (name !== undefined && name !== before.name) checkName(name)
      const values = {
        ...(name !== undefined && { name }),
        ...(role !== undefined && { role, scopes: null }),
        ...(scopes !== undefined && { scopes: JSON.stringify([...new Set(scopes)]) }),
        ...(isDisabled !== undefined && { disabled: isDisabled ? 1 : 0 }),
      }
      return Object.keys(values).length === 0 ? before : await update(id, values)
    },
    async remove(id) {
      register.require(id)
      await copy.change<PeopleTables, unknown>(async (db) => {
        await db.deleteFrom('people_pairings').where('person', '=', id).execute()
        await db.deleteFrom('people').where('id', '=', id).execute()
      })
    },
    async setPassword(id, password) {
      await update(id, await passwordOf(password, register.require(id).name), true)
    },
    close: () => copy.stop(),
  }
}

const isConflict = (error: unknown): boolean => error instanceof Fault && error.code === 'conflict'

const taken = (name: string) =>
  new Fault('conflict', `The name ${name} is taken.`, {
    hint: 'Choose another. Users of the broker and the hub itself have names too.',
  })

const tooMany = () =>
  new Fault('conflict', `There are ${MOST_PEOPLE} people, which is as many as the hub keeps.`, {
    hint: 'Remove some first.',
  })
