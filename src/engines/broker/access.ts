import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { Fault } from '../../kernel/fault.ts'
import type { BrokerAccount, BrokerLogin } from '../../kernel/ports.ts'
import { mayUse } from '../../kernel/scope.ts'
import { filterCovers } from '../../kernel/topic.ts'
import { isFilter } from './topic.ts'

/** One line of an access list. The first line that matches decides; where none does, the answer is no. */
export interface Rule {
  readonly filter: string
  readonly allow: boolean
}

/** Somebody the broker knows, and what they may write and read. */
export interface Account {
  /** Unique and for ever: sessions belong to it. Of who is in no list of users it has a `/`, which their names cannot have. */
  readonly name: string
  readonly send: readonly Rule[]
  readonly receive: readonly Rule[]
}

/** Somebody with a password of their own. Absent filters: everything but `alicia/#`. */
export interface BrokerUser {
  readonly name: string
  readonly password: string
  readonly publish?: readonly string[]
  readonly subscribe?: readonly string[]
  /** Grants of its requests: what it may ask the hub for, it may hear of too. */
  readonly scopes?: readonly string[]
  /** Services that a process with this login runs for the hub; any at all let it speak with hubs about that. */
  readonly services?: readonly string[]
}

/** What somebody without a name and password may do; `false`: nothing, they are not let in. */
export type AnonymousAccess = false | Pick<BrokerUser, 'publish' | 'subscribe'>

/** Whom the broker lets in. */
export interface AccessOptions {
  /** The password of the login `alicia`. */
  readonly ownerToken: string
  readonly users: readonly BrokerUser[]
  readonly anonymous: AnonymousAccess
}

/** An account with its password, for the engines that write them down (as hashes). */
export interface Credential extends BrokerLogin {
  readonly account: Account
}

export interface Access {
  readonly credentials: readonly Credential[]
  readonly anonymous: Account | undefined
  login(account: BrokerAccount): BrokerLogin
  /** Whether the name is one of those above: who else has it is not asked then. */
  has(username: string): boolean
  /** Whether it is one of the hub's own logins, whose passwords are made anew at every start. */
  isOwn(username: string): boolean
  /** The account, or undefined when the name or password is wrong or missing. */
  authenticate(username: string | undefined, password: Uint8Array | undefined): Account | undefined
  /** By its name; undefined for one that is not known (any more). */
  account(name: string): Account | undefined
  /** Another password of the owner's login. */
  changeOwnerToken(token: string): void
}

/** The owner's user name at the broker. */
export const OWNER_LOGIN = 'alicia'

export const allow = (...filters: readonly string[]): Rule[] => filters.map((filter) => ({ filter, allow: true }))
export const deny = (...filters: readonly string[]): Rule[] => filters.map((filter) => ({ filter, allow: false }))

/** `#` does not match them (MQTT 5.0, 4.7.2), so reading everything takes both. */
export const EVERYTHING = ['#', '$SYS/#']

/** Conversations: what callers ask and are answered is between them and the hub. */
const CONVERSATIONS = ['alicia/v1/req/#', 'alicia/v1/as/#', 'alicia/v1/rep/#', 'alicia/v1/bus/#']

/** Who asks for what, with which arguments: for those who may read approvals. */
export const APPROVALS = 'alicia/v1/evt/approvals'

const HUB: Account = { name: 'alicia/hub', send: allow('#'), receive: allow(...EVERYTHING) }

const SESSION: Account = {
  name: 'alicia/session',
  send: [...deny('alicia/#'), ...allow('#')],
  receive: [...deny(...CONVERSATIONS, APPROVALS), ...allow(...EVERYTHING)],
}

const OWNER_ACCOUNT: Account = {
  name: OWNER_LOGIN,
  send: [...allow('alicia/v1/req/#', `alicia/v1/as/${OWNER_LOGIN}/#`), ...deny('alicia/#'), ...allow('#')],
  receive: allow(...EVERYTHING),
}

const userAccount = ({
  name,
  publish = ['#'],
  subscribe = EVERYTHING,
  scopes = [],
  services = [],
}: Omit<BrokerUser, 'password'>): Account => ({
  name,
  send: [
    ...allow(`alicia/v1/as/${name}/req/#`),
    // Never `down`: what stands there is a hub's word for who asks.
    ...(services.length > 0 ? allow(`alicia/v1/bus/${name}/+/up/#`) : []),
    ...deny('alicia/#'),
    ...allow(...publish),
  ],
  receive: [
    ...(services.length > 0 ? allow(`alicia/v1/bus/${name}/+/down/#`) : []),
    ...(mayUse(scopes, 'approvals:read') ? [] : deny(APPROVALS)),
    ...allow(`alicia/v1/as/${name}/rep/#`, 'alicia/v1/svc/#', 'alicia/v1/evt/#'),
    ...deny('alicia/#'),
    ...allow(...subscribe),
  ],
})

const anonymousAccount = ({ publish = ['#'], subscribe = ['#'] }: Exclude<AnonymousAccess, false>): Account => ({
  name: 'alicia/anonymous',
  send: [...deny('alicia/#'), ...allow(...publish)],
  receive: [...deny('alicia/#'), ...allow(...subscribe)],
})

/** Throws Fault `invalid_input` for a name or filter that would break or widen the rules. */
export function createAccess({ ownerToken, users, anonymous }: AccessOptions): Access {
  for (const user of users) refuseUnsafe(user)
  if (anonymous) refuseBadFilters('anonymous', anonymous)
  const twice = users.find(({ name }, at) => users.findIndex((other) => other.name === name) !== at)
  if (twice) throw new Fault('invalid_input', `Two broker users are called ${twice.name}.`)

  const internal = (account: Account): Credential => ({
    account,
    username: account.name,
    password: randomBytes(32).toString('base64url'),
  })
  const hub = internal(HUB)
  const session = internal(SESSION)
  const credentials: Credential[] = [
    hub,
    session,
    { account: OWNER_ACCOUNT, username: OWNER_LOGIN, password: ownerToken },
    ...users.map((user) => ({ account: userAccount(user), username: user.name, password: user.password })),
  ]
  const byName = new Map(
    credentials.map(({ account, username, password }) => [username, { account, hash: sha256(password) }]),
  )
  const accounts = new Map(credentials.map(({ account }) => [account.name, account]))
  const nobody = anonymous ? anonymousAccount(anonymous) : undefined

  return {
    credentials,
    anonymous: nobody,
    login: (account) => {
      const { username, password } = account === 'hub' ? hub : session
      return { username, password }
    },
    has: (username) => byName.has(username),
    isOwn: (username) => username === hub.username || username === session.username,
    authenticate(username, password) {
      if (username === undefined && password === undefined) return nobody
      const known = byName.get(username ?? '')
      if (!known || password === undefined) return undefined
      return timingSafeEqual(known.hash, sha256(password)) ? known.account : undefined
    },
    account: (name) => (nobody?.name === name ? nobody : accounts.get(name)),
    changeOwnerToken(token) {
      const at = credentials.findIndex(({ username }) => username === OWNER_LOGIN)
      credentials[at] = { account: OWNER_ACCOUNT, username: OWNER_LOGIN, password: token }
      byName.set(OWNER_LOGIN, { account: OWNER_ACCOUNT, hash: sha256(token) })
    },
  }
}

/** Whether the account may publish to the topic. */
export function mayPublish(account: Account, topic: string): boolean {
  return account.send.find(({ filter }) => filterCovers(filter, topic))?.allow ?? false
}

/** Whether a message on this topic may reach the account. */
export function mayReceive(account: Account, topic: string): boolean {
  return account.receive.find(({ filter }) => filterCovers(filter, topic))?.allow ?? false
}

/**
 * Whether the account may subscribe to the filter: a rule must speak of all of it. What a granted filter matches is
 * still held back message by message where `mayReceive` says no, so `#` is granted although `alicia/#` is not.
 */
export function maySubscribe(account: Account, filter: string): boolean {
  const speaksOf = (rule: Rule) =>
    !(filter.startsWith('$') && /^[+#]/.test(rule.filter)) && filterCovers(rule.filter, filter)
  return account.receive.find(speaksOf)?.allow ?? false
}

/** Long enough for a random password; a shorter text is compared the same way. */
const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest()

/** Throws Fault `invalid_input`: a `/`, `+` or `#` in a name would make `alicia/v1/as/<name>/#` mean somebody else's topics. */
export function refuseBadName(name: string): void {
  if (/^[^/+#$\s\p{Cc}:]{1,64}$/u.test(name)) return
  throw new Fault('invalid_input', `${JSON.stringify(name.slice(0, 64))} cannot be the name of a broker user.`, {
    hint: 'Use 1 to 64 characters without spaces, "/", "+", "#", "$" and ":".',
  })
}

function refuseUnsafe(user: BrokerUser): void {
  const { name } = user
  refuseBadName(name)
  if (name === OWNER_LOGIN)
    throw new Fault('invalid_input', `"${name}" cannot be the name of a broker user: it is the owner's.`)
  if (user.password === '') throw new Fault('invalid_input', `The broker user ${name} has an empty password.`)
  refuseBadFilters(`broker user ${name}`, user)
}

function refuseBadFilters(
  who: string,
  { publish = [], subscribe = [] }: Pick<BrokerUser, 'publish' | 'subscribe'>,
): void {
  const bad = [...publish, ...subscribe].find((filter) => !isFilter(filter))
  if (bad === undefined) return
  throw new Fault('invalid_input', `${JSON.stringify(bad)} (${who}) is not a topic filter.`, {
    hint: 'A filter is topic levels between "/"; "+" stands for one whole level, "#" for all that follow, at the end.',
  })
}
