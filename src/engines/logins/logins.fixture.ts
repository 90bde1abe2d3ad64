import { randomBytes } from 'node:crypto'
import { heldClock } from '../../kernel/clock.ts'
import { createEvents, type EventMap } from '../../kernel/events.ts'
import { hashToken, type Holder } from '../../kernel/identity.ts'
import { createLog } from '../../kernel/log.ts'
import { createLoginThrottle } from '../../kernel/login-throttle.ts'
import type { OwnOrigins } from '../../kernel/logins.ts'
import type { People, Person } from '../../kernel/people.ts'
import type { Secrets, Store } from '../../kernel/ports.ts'
import { openLogins } from './logins.ts'

export const HUB = 'https://home.example'

export const origins: OwnOrigins = {
  preferred: HUB,
  includes: (origin) => origin === HUB || origin === 'http://localhost:8765',
}

/** People that a test changes as it likes. */
export interface TestPeople extends People {
  set(person: Partial<Person> & { readonly id: string }): void
  remove(id: string): void
}

export function testPeople(): TestPeople {
  const people = new Map<string, Person>()
  const listeners = new Set<(id: string) => void>()
  const tell = (id: string) => {
    for (const listener of listeners) listener(id)
  }
  const none = () => Promise.reject(new Error('Nobody logs in with a password here.'))
  return {
    list: () => [...people.values()],
    get: (id) => people.get(id),
    named: (name) => [...people.values()].find((person) => person.name === name),
    login: none,
    redeem: none,
    setPassword: none,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    set(person) {
      const before = people.get(person.id)
      people.set(person.id, { ...ANNA, ...before, ...person })
      tell(person.id)
    },
    remove(id) {
      people.delete(id)
      tell(id)
    },
  }
}

export const ANNA: Person = {
  id: 'person-anna',
  name: 'anna',
  role: 'adult',
  scopes: ['mqtt:*', 'health:read'],
  hasPassword: true,
  isDisabled: false,
  createdMs: 0,
}

/** Seals by writing what it is for before it: what is tested here is what is sealed, not how. */
export const plainSecrets: Secrets = {
  seal: (plain, context) => `${context}|${Buffer.from(plain).toString('base64')}`,
  open(sealed, context) {
    const [of, text = ''] = sealed.split('|')
    if (of !== context) throw new Error('It was sealed for something else.')
    return Buffer.from(text, 'base64').toString()
  },
  isStale: () => false,
  tend: () => () => undefined,
}

export type TestLogins = Awaited<ReturnType<typeof testLogins>>

/** The engine on a store, with Anna in the house. It ends when it is told to. */
export async function testLogins(
  store: Store,
  options: { clock?: ReturnType<typeof heldClock>; people?: TestPeople } = {},
) {
  const { clock = heldClock(), people = testPeople() } = options
  if (!people.get(ANNA.id)) people.set(ANNA)
  const lines: string[] = []
  const events = createEvents((error) => {
    throw error
  })
  const ended: EventMap['access.ended'][] = []
  const noted: EventMap['security.noted'][] = []
  events.on('access.ended', (event) => void ended.push(event))
  events.on('security.noted', (event) => void noted.push(event))
  const logins = await openLogins({
    store,
    secrets: plainSecrets,
    people,
    origins,
    throttle: createLoginThrottle(clock),
    events,
    clock,
    log: createLog({ level: 'debug', write: (line) => lines.push(line) }),
  })
  const own = {
    clock,
    people,
    logins,
    lines,
    ended,
    noted,
    /** What every call asks. */
    show: (token: string, resource?: string) =>
      logins.source({ token, hash: hashToken(token), ...(resource !== undefined && { resource }) }),
    /** The same where the answer is known at once and there is somebody. */
    holder(token: string, resource?: string): Holder {
      const holder = own.show(token, resource)
      if (holder === undefined || holder instanceof Promise) throw new TypeError('The holder is not known at once.')
      return holder
    },
    logIn: (scopes: readonly string[] = ['*'], client = `phone ${randomBytes(3).toString('hex')}`) =>
      logins.issue({ subject: ANNA.id, scopes, client }),
  }
  return own
}

/** What a JWT says, unverified. */
export function claimsIn(token: string): Record<string, unknown> {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}
