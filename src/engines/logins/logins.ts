import { randomBytes } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import type { TokenSource } from '../../kernel/identity.ts'
import type { Log } from '../../kernel/log.ts'
import type { LoginThrottle } from '../../kernel/login-throttle.ts'
import type { LoginReport, Logins, OwnOrigins } from '../../kernel/logins.ts'
import type { AttemptFrom, People } from '../../kernel/people.ts'
import type { Secrets, Store } from '../../kernel/ports.ts'
import { intersect } from '../../kernel/scope.ts'
import { openSharedCopy } from '../../kernel/shared-copy.ts'
import { createKnownLogins } from './known-logins.ts'
import { createLoginStore, isOver, type Hashes } from './login-store.ts'
import { recur } from './recurring.ts'
import { hashOf, newFamily, newSecret, readRefreshToken, type RefreshToken } from './refresh-token.ts'
import { createSigningKeys } from './signing-keys.ts'
import { subjectOf } from './subject.ts'
import { LOGIN_PREFIX, migrateLogins, scopesOf, type LoginDb, type LoginRow, type LoginTables } from './tables.ts'
import { createPairs } from './token-pair.ts'
import { createVerifier } from './verifier.ts'

export interface LoginsOptions {
  readonly store: Store
  readonly secrets: Secrets
  readonly people: People
  readonly origins: OwnOrigins
  readonly throttle: LoginThrottle
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
}

/** The port, and what the composition needs besides. */
export interface OpenLogins extends Logins {
  /** Knows the holders of access tokens. */
  readonly source: TokenSource
  /** Resolves when nothing is being written any more. */
  close(): Promise<void>
}

/** How often old keys and logins are looked for, milliseconds. */
const TIDY_EVERY_MS = 3_600_000

/** Throws Fault `storage_failed` or `unavailable` where the database does. */
export async function openLogins(options: LoginsOptions): Promise<OpenLogins> {
  const { store, secrets, people, origins, throttle, events, clock, log } = options
  await migrateLogins(store)
  const db: LoginDb = { tables: store.as<LoginTables>(), change: (work) => copy.change(work) }
  const table = createLoginStore(db, clock)
  const keys = createSigningKeys({ db, secrets, clock, log })
  const pair = createPairs({ origins, clock, signer: keys.signer })
  const writing = new Set<Promise<void>>()
  let isOpen = false

  const known = createKnownLogins(clock, (credentials) => {
    seen.changed()
    // What ended before the hub started, nothing in it lives on.
    if (isOpen) for (const credential of credentials) events.emit('access.ended', { credential })
  })
  const { source, seen } = createVerifier({
    keys,
    people,
    origins,
    clock,
    log,
    isShared: store.dialect === 'postgres',
    isEnded: known.isEnded,
  })

  const end = async (credentials: readonly string[]) => {
    if (credentials.length === 0) return
    // At once here; it is over for good when that is written, and whoever asked hears if it cannot be.
    known.end(credentials)
    await table.end(credentials)
  }
  const others = new Set<(subject: string) => Promise<void>>()
  const endAllOf = async (subject: string) => {
    await end(known.of(subject).map(({ credential }) => credential))
    for (const endTheirs of others) await endTheirs(subject)
  }

  const copy = await openSharedCopy({
    store,
    topic: 'logins',
    clock,
    log,
    async load() {
      known.replace(await table.all(), await table.ended())
      await keys.load()
    },
  })

  const tidy = async () => {
    await keys.tidy()
    const over = [...known.all()].filter((row) => isOver(row, clock.now()))
    await end(over.map(({ credential }) => credential))
  }

  /** The login whose latest refresh token this was; undefined where it was not. */
  const spend = async (shown: Hashes, nextHash: string, from: AttemptFrom): Promise<LoginRow | undefined> => {
    // What nobody was given writes nothing.
    if (!(await table.find(shown.familyHash))) return undefined
    const spending = await table.spend(shown, nextHash)
    if (spending.is === 'gone') return undefined
    const { row } = spending
    if (spending.is === 'spent') return row
    const { credential, subject, client } = row
    if (spending.is === 'replayed') {
      log.warn('a refresh token was shown a second time: its login is ended', { credential, subject, client, ...from })
      events.emit('security.noted', {
        kind: 'token.reused',
        outcome: 'unauthenticated',
        ...from,
        who: { id: subject, credential },
        details: { client },
      })
    }
    known.end([credential])
    return undefined
  }

  const refresh: Logins['refresh'] = async (refreshToken, from) => {
    const shown = readRefreshToken(refreshToken)
    const familyHash = shown && hashOf(shown.family)
    // Whoever shows what a login here was given guesses nothing: those who do, from next door, must not keep them out.
    const isGuess = familyHash === undefined || !known.hasFamily(familyHash)
    const attempt = isGuess ? throttle.begin(undefined, from.address) : undefined
    if (!shown || familyHash === undefined) throw refused()
    const next: RefreshToken = { family: shown.family, secret: newSecret() }
    const hashes = { familyHash, secretHash: hashOf(shown.secret) }
    const row = await spend(hashes, hashOf(next.secret), from).catch((error: unknown) => {
      attempt?.undecided()
      throw error
    })
    if (!row) throw refused()
    attempt?.succeeded()
    const who = subjectOf(row.subject, people)
    if (who && who.sinceMs <= row.created_at) return pair(row, who, next)
    await end([row.credential])
    throw refused()
  }

  const issue: Logins['issue'] = async ({ subject, scopes, client }) => {
    const who = subjectOf(subject, people)
    if (!who) throw new Fault('unauthenticated', 'There is nobody to log in.')
    const token: RefreshToken = { family: newFamily(), secret: newSecret() }
    const nowMs = clock.now()
    const row: LoginRow = {
      credential: `${LOGIN_PREFIX}${randomBytes(12).toString('base64url')}`,
      subject,
      client,
      scopes: JSON.stringify(intersect(scopes, who.scopes)),
      family_hash: hashOf(token.family),
      secret_hash: hashOf(token.secret),
      created_at: nowMs,
      used_at: nowMs,
    }
    known.end(await table.add(row))
    // A password that was set meanwhile ended the logins that it found, and this one was not among them yet.
    const now = subjectOf(subject, people)
    if (now && now.sinceMs <= nowMs) return pair(row, now, token)
    await end([row.credential])
    throw new Fault('unauthenticated', 'The login is over: its person has changed meanwhile.', {
      hint: 'Log in again.',
    })
  }

  await tidy()
  isOpen = true
  const stopTidying = recur({ clock, log, everyMs: TIDY_EVERY_MS, what: 'looking for old logins' }, tidy)
  const stopListening = people.onChange((id) => {
    seen.changed()
    const { sinceMs = Infinity } = subjectOf(id, people) ?? {}
    const over = known.of(id).filter((row) => row.created_at < sinceMs)
    const work: Promise<void> = end(over.map(({ credential }) => credential))
      .catch((error: unknown) => log.error('logins that are over could not be ended', { error }))
      .finally(() => writing.delete(work))
    writing.add(work)
  })

  return {
    keys,
    source,
    issue,
    refresh,
    end: (credential) => end([credential]),
    endAllOf,
    onEndAll(endTheirs) {
      others.add(endTheirs)
      return () => void others.delete(endTheirs)
    },
    list: (subject) => known.of(subject).map(reportOf),
    async close() {
      stopListening()
      keys.close()
      await Promise.all([stopTidying(), ...writing])
      await copy.stop()
    },
  }
}

const reportOf = (row: LoginRow): LoginReport => ({
  credential: row.credential,
  client: row.client,
  scopes: scopesOf(row),
  createdMs: row.created_at,
  lastUsedMs: row.used_at,
})

/** Whether it never was one, was spent, or its person is gone: the same words. */
const refused = () => new Fault('unauthenticated', 'The refresh token is not valid.', { hint: 'Log in again.' })
