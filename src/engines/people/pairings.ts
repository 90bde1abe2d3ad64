import { randomBytes } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { LoginAttempt, LoginThrottle } from '../../kernel/login-throttle.ts'
import type { Pairing, PeopleKeeper } from '../../kernel/people.ts'
import type { Store } from '../../kernel/ports.ts'
import { intersect } from '../../kernel/scope.ts'
import { createPairingCode, hashPairingCode } from './pairing-code.ts'
import type { Register } from './register.ts'
import type { PairingRow, PeopleTables } from './table.ts'

interface PairingOptions {
  readonly store: Store
  readonly register: Register
  readonly throttle: LoginThrottle
  readonly clock: Clock
}

/** Codes that wait for one person. */
const MOST_WAITING = 10

type Pairings = Pick<PeopleKeeper, 'pair' | 'pairings' | 'cancelPairing' | 'redeem'>

/** Codes that let a phone or browser in, once: see `PeopleKeeper`. They are asked for seldom, so that nothing is held in memory. */
export function createPairings({ store, register, throttle, clock }: PairingOptions): Pairings {
  const db = store.as<PeopleTables>()

  const waiting = async () => {
    await db.deleteFrom('people_pairings').where('expires_at', '<=', clock.now()).execute()
    return await db.selectFrom('people_pairings').selectAll().orderBy('created_at').execute()
  }

  /** Of two who show the same code at once, in two hubs even, one gets it. */
  const take = async (typed: string, attempt: LoginAttempt): Promise<PairingRow | undefined> => {
    const hash = hashPairingCode(typed)
    if (hash === undefined) return undefined
    try {
      return await db.deleteFrom('people_pairings').where('hash', '=', hash).returningAll().executeTakeFirst()
    } catch (error) {
      attempt.undecided()
      throw error
    }
  }

  return {
    async pair(id, { scopes, createdBy, lifeMs }) {
      const { name, scopes: own } = register.require(id)
      const others = (await waiting()).filter(({ person }) => person === id)
      if (others.length >= MOST_WAITING)
        throw new Fault('conflict', `${others.length} pairing codes of ${name} are waiting to be used.`, {
          hint: 'Use or cancel one, or wait until they expire.',
        })
      const code = createPairingCode()
      const row: PairingRow = {
        id: `pairing-${randomBytes(6).toString('base64url')}`,
        person: id,
        hash: hashPairingCode(code) ?? '',
        scopes: JSON.stringify(scopes ?? own),
        created_by: createdBy,
        created_at: clock.now(),
        expires_at: clock.now() + lifeMs,
      }
      await db.insertInto('people_pairings').values(row).execute()
      return { ...pairingOf(row), code }
    },
    pairings: async () => (await waiting()).map(pairingOf),
    async cancelPairing(pairing) {
      const gone = await db.deleteFrom('people_pairings').where('id', '=', pairing).returning('id').executeTakeFirst()
      if (!gone)
        throw new Fault('not_found', 'There is no such pairing (any more).', {
          hint: 'list_pairings shows those that wait.',
        })
    },
    async redeem(code, { address }) {
      const attempt = throttle.begin(undefined, address)
      const row = await take(code, attempt)
      const person = row && register.get(row.person)
      if (!person || person.isDisabled || row.expires_at <= clock.now()) throw notRight()
      attempt.succeeded()
      const scopes = intersect(JSON.parse(row.scopes) as string[], person.scopes)
      return { person, scopes, isOwn: row.created_by === person.id }
    },
  }
}

const pairingOf = (row: PairingRow): Pairing => ({
  id: row.id,
  person: row.person,
  scopes: JSON.parse(row.scopes) as string[],
  createdBy: row.created_by,
  createdMs: row.created_at,
  expiresMs: row.expires_at,
})

const notRight = () =>
  new Fault('unauthenticated', 'This pairing code is not right, was used already, or is too old.', {
    hint: '`alicia pair` makes a new one.',
  })
