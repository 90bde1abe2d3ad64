import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Holder, Identity } from '../../kernel/identity.ts'
import type { LoginThrottle } from '../../kernel/login-throttle.ts'
import type { People, Person } from '../../kernel/people.ts'
import type { Places } from '../../kernel/places.ts'
import { intersect } from '../../kernel/scope.ts'
import { concerns, type Tenure } from '../../kernel/tenure.ts'
import { accountOfGrants } from './account-of-grants.ts'
import type { Account } from './access.ts'

/** A user name and password as somebody showed them. */
export interface ShownLogin {
  readonly username: string
  readonly password: string
  readonly address: string | undefined
}

/** Somebody whom the hub knows, at its broker. */
export interface Guest {
  readonly caller: Caller
  readonly account: Account
}

/** Everybody with an identity of the hub's, as users of its broker beside those of its configuration. */
export interface IdentityLogins {
  /** Throws (or rejects with) Fault `unauthenticated`, `rate_limited`. A promise where a password has to be hashed. */
  login(shown: ShownLogin): Guest | Promise<Guest>
  /** Who asks below `alicia/v1/as/<level>/`: a person, or whoever came with a token and has not lost it since. */
  holder(level: string): Holder | undefined
  /** What the owner of a session may now, whether or not they are here; undefined: nobody may anything by that name any more. */
  account(name: string): Account | undefined
  /** `end` is told once, when the guest's access ends. Returns what lets go of it. */
  hold(guest: Guest, end: (why: Fault) => void): () => void
  /** Everybody who is not disabled, for a broker that has to be told beforehand. */
  people(): readonly { readonly name: string; readonly account: Account }[]
  /** Told whenever one of them may something else, came or went. Returns what ends that. */
  onPeople(listener: () => void): () => void
  /** Told of accounts that are no more, so that nothing is kept for them. Returns what ends that. */
  onGone(listener: (account: string) => void): () => void
  stop(): void
}

export interface IdentityLoginsOptions {
  readonly people: People
  readonly identity: Pick<Identity, 'authenticate'>
  readonly places: Places
  readonly throttle: LoginThrottle
  readonly tenure: Tenure
  readonly events: Pick<Events, 'on'>
  readonly clock: Clock
}

/** Personal access tokens and JWTs; nobody has such a password. */
const TOKEN = /^(?:alicia_[\w-]{20,}|eyJ[\w-]+\.[\w-]+\.[\w-]+)$/

/** Ids of tokens and logins are levels of topics here. */
const LEVEL = /^[\w-]{1,128}$/

/** Tokens that came by; beyond them the one that came first is asked to come again. */
const MOST_TOKENS = 2000

const accountName = (id: string) => `identity/${id}`

/**
 * A password is a person's: it speaks as `alicia/v1/as/<name>`. A token may less than its person, perhaps, so it speaks in its own
 * name, `alicia/v1/as/<id of the token>`: who could write where the person writes would have what the person has.
 */
export function createIdentityLogins(options: IdentityLoginsOptions): IdentityLogins {
  const { people, identity, places, throttle, tenure, events, clock } = options
  const ofPerson = new WeakMap<Person, { readonly holder: Holder; readonly account: Account }>()
  const tokens = new Map<string, Guest>()
  const listeners = new Set<(account: string) => void>()

  /** People are other objects once they may something else. */
  const known = (person: Person) => {
    const before = ofPerson.get(person)
    if (before) return before
    const { id, name, role, scopes } = person
    const made = {
      holder: { id, name, role, person: id, scopes, credential: `mqtt:${id}` },
      account: accountOfGrants({ account: accountName(id), level: name, scopes }, places),
    }
    ofPerson.set(person, made)
    return made
  }

  const byPassword = async ({ username, password, address }: ShownLogin): Promise<Guest> => {
    const person = await people.login(username, password, { via: 'mqtt', ...(address !== undefined && { address }) })
    // Between the answer and now they may have become somebody else.
    if (people.get(person.id) !== person || person.isDisabled) throw notRight()
    const { holder, account } = known(person)
    return { caller: { ...holder, via: 'mqtt', ...(address !== undefined && { address }) }, account }
  }

  const token = (level: string): Guest | undefined => {
    const guest = tokens.get(level)
    const { expiresMs } = guest?.caller ?? {}
    return expiresMs !== undefined && expiresMs <= clock.now() ? undefined : guest
  }

  const guestOf = (caller: Caller, username: string): Guest => {
    const { credential = '', person: personId } = caller
    const person = personId === undefined ? undefined : people.get(personId)
    // A name that is not the token's is a mistake, or somebody who hides behind it in the log.
    if (![caller.name, caller.id, credential, person?.name].includes(username)) throw notRight()
    if (!LEVEL.test(credential) || people.named(credential)) throw notRight()
    // A login has several tokens, which may not all be good for the same. Topics cannot tell them apart: what all of them may.
    const before = token(credential)?.caller.scopes
    const scopes = before === undefined ? caller.scopes : intersect(before, caller.scopes)
    const account = accountOfGrants({ account: accountName(credential), level: credential, scopes }, places)
    const guest = { caller: { ...caller, scopes }, account }
    tokens.delete(credential)
    tokens.set(credential, guest)
    const [oldest] = tokens.keys()
    if (tokens.size > MOST_TOKENS && oldest !== undefined) tokens.delete(oldest)
    return guest
  }

  const byToken = ({ username, password, address }: ShownLogin): Guest | Promise<Guest> => {
    const attempt = throttle.begin(undefined, address)
    const admit = (caller: Caller) => {
      const guest = guestOf(caller, username)
      attempt.succeeded()
      return guest
    }
    const caller = identity.authenticate(password, 'mqtt', { address })
    return caller instanceof Promise ? caller.then(admit) : admit(caller)
  }

  const gone = (account: string) => {
    for (const listener of listeners) listener(account)
  }

  const endAccess = events.on('access.ended', (ended) => {
    for (const [level, { caller }] of tokens) if (concerns(ended, caller)) tokens.delete(level)
    if ('credential' in ended) gone(accountName(ended.credential))
    else if (!people.get(ended.person)) gone(accountName(ended.person))
  })

  const living = (person: Person | undefined) => (person === undefined || person.isDisabled ? undefined : person)

  return {
    login: (shown) => (TOKEN.test(shown.password) ? byToken(shown) : byPassword(shown)),
    holder(level) {
      const person = living(people.named(level))
      return person ? known(person).holder : token(level)?.caller
    },
    account(name) {
      const id = name.slice(accountName('').length)
      if (name !== accountName(id)) return undefined
      const person = living(people.get(id))
      return person ? known(person).account : token(id)?.account
    },
    hold: ({ caller }, end) => tenure.hold(caller, end),
    people: () =>
      people
        .list()
        .filter(({ isDisabled }) => !isDisabled)
        .map((person) => ({ name: person.name, account: known(person).account })),
    onPeople: (listener) => people.onChange(listener),
    onGone(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    stop() {
      endAccess()
      listeners.clear()
      tokens.clear()
    },
  }
}

const notRight = () =>
  new Fault('unauthenticated', 'The name or the password is not right.', {
    hint: 'A person logs in with their name and password, a program with the name of its token and the token.',
  })
