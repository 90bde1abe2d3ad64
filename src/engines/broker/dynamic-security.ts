import { pbkdf2Sync, randomBytes } from 'node:crypto'
import type { Access, Account, Rule } from './access.ts'

/** PBKDF2 rounds. Mosquitto computes them on its only thread, so each login holds up everybody for that long. */
const ITERATIONS = 1000

/**
 * The access list as the configuration of Mosquitto's dynamic security plugin, which 2.0 and 2.1 both have. A plain
 * `acl_file` cannot say "may read, not write" of a part of what is allowed: its `deny` forbids both, and always wins.
 */
export function dynamicSecurity(access: Access, hashes: PasswordHashes, guests: readonly HashedGuest[] = []): string {
  const accounts = [
    ...access.credentials.map(({ account }) => account),
    ...guests.map(({ account }) => account),
    ...(access.anonymous ? [access.anonymous] : []),
  ]
  const config = {
    defaultACLAccess: { publishClientSend: false, publishClientReceive: false, subscribe: false, unsubscribe: true },
    clients: [
      ...access.credentials.map(({ account, username, password }) => ({
        username,
        roles: [{ rolename: account.name }],
        ...hashes.of(username, password),
      })),
      ...guests.map(({ account, username, hash }) => ({ username, roles: [{ rolename: account.name }], ...hash })),
    ],
    groups: access.anonymous ? [{ groupname: ANONYMOUS_GROUP, roles: [{ rolename: access.anonymous.name }] }] : [],
    ...(access.anonymous && { anonymousGroup: ANONYMOUS_GROUP }),
    roles: accounts.map((account) => ({ rolename: account.name, acls: rolesOf(account) })),
  }
  return JSON.stringify(config, undefined, 2)
}

const ANONYMOUS_GROUP = 'anonymous'

/** A higher priority is asked first; the first rule that matches decides, as in `access.ts`. */
const rolesOf = ({ send, receive }: Account) => [
  ...rules('publishClientSend', send),
  ...rules('publishClientReceive', receive),
  ...rules('subscribePattern', receive),
]

const rules = (acltype: string, list: readonly Rule[]) =>
  list.map(({ filter, allow }, at) => ({ acltype, topic: filter, priority: list.length - at, allow }))

/** A password as the plugin keeps it. */
export interface PasswordHash {
  readonly password: string
  readonly salt: string
  readonly iterations: number
}

/** Somebody of whose password only the hash is known. */
export interface HashedGuest {
  readonly username: string
  readonly account: Account
  readonly hash: PasswordHash
}

/** Hashes of known passwords, each made once: the file then changes only where somebody's rights do. */
export interface PasswordHashes {
  of(username: string, password: string): PasswordHash
  /** The password is another. */
  forget(username: string): void
}

export function createPasswordHashes(): PasswordHashes {
  const made = new Map<string, PasswordHash>()
  return {
    forget: (username) => void made.delete(username),
    of(username, password) {
      const known = made.get(username)
      if (known) return known
      const salt = randomBytes(12)
      const hash = pbkdf2Sync(password, salt, ITERATIONS, 64, 'sha512')
      const fresh = { password: hash.toString('base64'), salt: salt.toString('base64'), iterations: ITERATIONS }
      made.set(username, fresh)
      return fresh
    },
  }
}
