import { join } from 'node:path'
import { Fault } from '../../kernel/fault.ts'
import type { Places } from '../../kernel/places.ts'
import { accountOfGrants } from './account-of-grants.ts'
import { createAccess, OWNER_LOGIN, refuseBadName, type Account, type BrokerUser } from './access.ts'
import { isFilter } from './topic.ts'
import { aclFile } from './acl-file.ts'
import { certificatesFor, clientCertificate, hostsIn, type Certificates } from './generator/authority.ts'
import { mosquittoSettings, type MosquittoSetting } from './generator/dialect.ts'
import { readIfThere, writeFileSet, type FileChange, type PlannedFile } from './generator/file-set.ts'
import {
  hashForMosquitto,
  isHashOf,
  newPassword,
  readPasswordFile,
  writePasswordFile,
} from './generator/password-file.ts'
import { composeFile, hubSettings, readme, type OwnPasswords } from './generator/set-texts.ts'

/** Somebody of the hub's who may have a login at the broker. */
export interface SetPerson {
  readonly name: string
  readonly scopes: readonly string[]
}

export interface MosquittoSetOptions extends MosquittoSetting {
  /** Where the files are written. */
  readonly folder: string
  /** Names and addresses by which clients reach the broker; the first is the one the hub takes. */
  readonly hosts: readonly string[]
  readonly users: readonly BrokerUser[]
  /** Those who are not disabled. */
  readonly people: readonly SetPerson[]
  readonly places: Places
  /** Topic filters of the home, for whoever may everything: `acl_file` has no "all but". */
  readonly roots: readonly string[]
  readonly nowMs: number
  readonly rotate?: 'server' | 'authority'
  readonly isDry?: boolean
  readonly force?: boolean
}

export interface MosquittoSet {
  readonly changes: readonly FileChange[]
  /** People without a password at the broker: they cannot log in there yet. */
  readonly withoutPassword: readonly string[]
  /** What the access file cannot say, and is not allowed therefore: `anna: +/state`. */
  readonly left: readonly string[]
}

/** The hub's logins at a broker that it does not run, by the accounts that they are at its own. */
const OWN_LOGINS = { 'alicia/hub': 'hub', 'alicia/session': 'session' } as const

/** A complete set of files for a Mosquitto, made anew or brought up to date. Throws Fault `invalid_input`. */
export function writeMosquittoSet(options: MosquittoSetOptions): MosquittoSet {
  const { folder, users, people, roots } = options
  if (!roots.every(isFilter)) throw new Fault('invalid_input', 'A root of the home is not a topic filter.')
  const accounts = accountsOf(options)
  const { text: acl, left } = aclFile(accounts, roots)
  const own = ownPasswordsOf(folder)
  const { hashes, withoutPassword } = passwordsFor(folder, users, people, own)
  const files: PlannedFile[] = [
    { name: 'mosquitto.conf', text: mosquittoSettings(options), mode: 0o640 },
    { name: 'acl', text: acl, mode: 0o640 },
    { name: 'passwords', text: writePasswordFile(hashes), mode: 0o640 },
    ...certificateFiles(certificatesIn(options)),
    { name: 'alicia.jsonc', text: hubSettings(options, own), mode: 0o600 },
    { name: 'compose.yaml', text: composeFile(options), mode: 0o640 },
    { name: 'README.md', text: readme(options), mode: 0o640 },
  ]
  return { changes: writeFileSet(folder, files, options), withoutPassword, left }
}

/** New certificates for a set that is there, and nothing else. Throws Fault `not_found`. */
export function rotateCertificates(
  options: Pick<MosquittoSetOptions, 'folder' | 'nowMs' | 'rotate' | 'isDry' | 'force'> & {
    /** Absent: those of the certificate that there is. */
    readonly hosts?: readonly string[]
  },
): readonly FileChange[] {
  const { folder } = options
  requireSet(folder)
  const { server } = certificatesOf(folder)
  const hosts = options.hosts ?? (server ? hostsIn(server.cert) : [])
  return writeFileSet(folder, certificateFiles(certificatesIn({ ...options, hosts })), options)
}

/** A certificate for a client, in files of its own. Throws Fault `not_found`, `invalid_input`. */
export function makeClientCertificate(folder: string, name: string, nowMs: number): readonly FileChange[] {
  const { trusted, authorityKey } = certificatesOf(folder)
  if (trusted === undefined || authorityKey === undefined) throw noSet(folder)
  if (!/^[\w.-]{1,64}$/.test(name))
    throw new Fault('invalid_input', 'The name of a client certificate has 1 to 64 of: letters, digits, and . _ -')
  const { cert, key } = clientCertificate(name, { trusted, authorityKey }, nowMs)
  const files = [
    { name: `client-${name}.crt`, text: cert, mode: 0o640 as const },
    { name: `client-${name}.key`, text: key, mode: 0o600 as const },
  ]
  return writeFileSet(folder, files)
}

/** Makes a password for a login of the set and returns it, this once. Throws Fault `not_found`. */
export function makeBrokerPassword(folder: string, name: string): string {
  requireSet(folder)
  refuseBadName(name)
  const path = join(folder, 'passwords')
  const hashes = readPasswordFile(readIfThere(path) ?? '')
  const password = newPassword()
  hashes.set(name, hashForMosquitto(password))
  // One line of it changes: what somebody did to the others stays.
  writeFileSet(folder, [{ name: 'passwords', text: writePasswordFile(hashes), mode: 0o640 }], { force: true })
  return password
}

function accountsOf({ users, people, places }: MosquittoSetOptions): Account[] {
  // They become parts of lines, and of topics.
  for (const { name } of people) refuseBadName(name)
  // The passwords are not asked for here; the names and filters are checked.
  const { credentials } = createAccess({ ownerToken: newPassword(), users, anonymous: false })
  const own = credentials.map(({ account }) => {
    const name = OWN_LOGINS[account.name as keyof typeof OWN_LOGINS] ?? account.name
    return { ...account, name }
  })
  const taken = new Set<string>(own.map(({ name }) => name))
  const guests = people
    .filter(({ name }) => !taken.has(name))
    .map(({ name, scopes }) => accountOfGrants({ account: name, level: name, scopes }, places))
  return [...own, ...guests]
}

function passwordsFor(folder: string, users: readonly BrokerUser[], people: readonly SetPerson[], own: OwnPasswords) {
  const before = readPasswordFile(readIfThere(join(folder, 'passwords')) ?? '')
  const hashes = new Map<string, string>()
  const keep = (name: string, known: string) => {
    const hash = before.get(name)
    hashes.set(name, hash !== undefined && isHashOf(hash, known) ? hash : hashForMosquitto(known))
  }
  keep('hub', own.hub)
  keep('session', own.session)
  for (const user of users) keep(user.name, user.password)
  const guests = [OWNER_LOGIN, ...people.map(({ name }) => name)].filter((name) => !hashes.has(name))
  for (const name of guests) {
    const hash = before.get(name)
    if (hash !== undefined) hashes.set(name, hash)
  }
  return { hashes, withoutPassword: guests.filter((name) => !hashes.has(name)) }
}

/** The passwords of the hub's logins stand in its settings: made once. */
function ownPasswordsOf(folder: string): OwnPasswords {
  const settings = readIfThere(join(folder, 'alicia.jsonc')) ?? ''
  const hub = /:\/\/hub:([a-z0-9]{20,})@/.exec(settings)?.[1]
  const session = /"password": "([a-z0-9]{20,})"/.exec(settings)?.[1]
  return { hub: hub ?? newPassword(), session: session ?? newPassword() }
}

const certificatesIn = ({
  folder,
  hosts,
  nowMs,
  rotate,
}: Pick<MosquittoSetOptions, 'folder' | 'hosts' | 'nowMs' | 'rotate'>): Certificates =>
  certificatesFor(hosts, certificatesOf(folder), { nowMs, ...(rotate && { rotate }) })

function certificatesOf(folder: string): Partial<Certificates> {
  const read = (name: string) => readIfThere(join(folder, name))
  const [trusted, authorityKey, cert, key] = [read('ca.crt'), read('ca.key'), read('server.crt'), read('server.key')]
  return {
    ...(trusted !== undefined && { trusted }),
    ...(authorityKey !== undefined && { authorityKey }),
    ...(cert !== undefined && key !== undefined && { server: { cert, key } }),
  }
}

const certificateFiles = ({ trusted, authorityKey, server }: Certificates): PlannedFile[] => [
  { name: 'ca.crt', text: trusted, mode: 0o640 },
  { name: 'ca.key', text: authorityKey, mode: 0o600 },
  { name: 'server.crt', text: server.cert, mode: 0o640 },
  { name: 'server.key', text: server.key, mode: 0o640 },
]

function requireSet(folder: string): void {
  if (readIfThere(join(folder, 'mosquitto.conf')) === undefined) throw noSet(folder)
}

const noSet = (folder: string) =>
  new Fault('not_found', `There are no files for a Mosquitto in ${folder}.`, {
    hint: 'Write them first: alicia broker config',
  })
