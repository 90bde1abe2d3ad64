import type { Config } from '../config.ts'
import { openAuditLog } from '../engines/audit/audit-log.ts'
import { openChainKeys, type PrivateText } from '../engines/audit/chain-keys.ts'
import { clearPending, pendingNotes } from './pending-notes.ts'
import type { DataFolder } from '../engines/data-folder.ts'
import { trailOf } from '../engines/audit/trail.ts'
import { createWriterThread } from '../engines/audit/writer-thread.ts'
import { DATABASE_FILE } from '../engines/store/sqlite.ts'
import { readPrivateFile, writePrivateFile } from '../engines/private-file.ts'
import type { Audit, SecurityEvent } from '../kernel/audit.ts'
import type { Via } from '../kernel/caller.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Events } from '../kernel/events.ts'
import { Fault } from '../kernel/fault.ts'
import type { Identity, ShownFrom } from '../kernel/identity.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { RootLog } from '../kernel/log.ts'
import type { ArgumentKeeping } from '../kernel/recorder.ts'
import { createRedaction, type Redact } from '../kernel/redact.ts'

export interface TrailOptions {
  readonly config: Config
  readonly folder: DataFolder
  readonly clock: Clock
  readonly log: RootLog
  readonly events: Events
  readonly redact: Redact
  /** Gets the audit while it can record. */
  onAudit(audit?: Audit): void
}

/** What the audit keeps in the data folder. */
export const AUDIT_FILES = { keys: 'audit-keys.json', head: 'audit-head.json' } as const

/** What is left of arguments wherever they are kept or shown. */
export const redactionOf = ({ audit }: Pick<Config, 'audit'>, log: RootLog): Redact =>
  createRedaction({ paths: audit.redact, clean: log.clean })

export const keepingOf = ({ audit }: Config, redact: Redact): ArgumentKeeping => ({ of: audit.arguments, redact })

/** The same, and every token that is none is noted: whoever tries tokens leaves a trace. */
export function watched(identity: Identity, events: Events): Identity {
  const note = (error: unknown, via: Via, { address }: ShownFrom = {}): never => {
    const outcome = error instanceof Fault ? error.code : 'internal'
    if (outcome === 'unauthenticated')
      events.emit('security.noted', { kind: 'token.refused', outcome, via, ...(address !== undefined && { address }) })
    throw error
  }
  return {
    ...identity,
    authenticate(token, via, from) {
      try {
        const caller = identity.authenticate(token, via, from)
        return caller instanceof Promise ? caller.catch((error: unknown) => note(error, via, from)) : caller
      } catch (error) {
        return note(error, via, from)
      }
    },
  }
}

/** The audit: everything that is called, and what matters for security besides. */
export function trailPart({ config, folder, clock, log, events, redact, onAudit }: TrailOptions): Part {
  return {
    name: 'trail',
    needs: ['store', 'secrets'],
    essential: true,
    async start({ store, secrets }) {
      if (!store || !secrets) throw new TypeError('The audit starts after the store.')
      const { auditDays, auditMegabytes } = config.limits
      const { keys, texts } = openChainKeys({ file: textOf(folder.file(AUDIT_FILES.keys), log), secrets, log })
      const audit = await openAuditLog({
        store,
        clock,
        log,
        keys,
        // PostgreSQL is written by a process of its own anyway.
        ...(store.dialect === 'sqlite' && { thread: createWriterThread({ file: folder.file(DATABASE_FILE), clock }) }),
        headFile: textOf(folder.file(AUDIT_FILES.head), log),
        retentionDays: auditDays,
        mostBytes: auditMegabytes * 1_000_000,
      })
      const endTending = secrets.tend(texts)
      const endEvents = events.on('security.noted', (event) => {
        audit
          .record(entryOf(event, clock, redact))
          .catch((error: unknown) => log.error('the audit could not be written', { event: event.kind, error }))
      })
      await recordPending(audit, folder, { clock, log, redact })
      onAudit(audit)
      return {
        value: trailOf(audit),
        report: () => audit.report(),
        async stop() {
          onAudit()
          endEvents()
          endTending()
          await audit.close()
        },
      }
    },
  }
}

/** What was done while no hub ran, with the time at which it was. */
async function recordPending(
  audit: Audit,
  { path }: DataFolder,
  { clock, log, redact }: Pick<TrailOptions, 'clock' | 'log' | 'redact'>,
): Promise<void> {
  const notes = pendingNotes(path, log)
  for (const { kind, atMs, details } of notes) {
    const event: SecurityEvent = {
      kind,
      outcome: 'ok',
      via: 'cli',
      details: { ...details, at: new Date(atMs).toISOString() },
    }
    await audit.record(entryOf(event, clock, redact))
  }
  if (notes.length > 0) clearPending(path)
}

/** A file of the data folder, for its owner alone. */
export const textOf = (path: string, log: RootLog): PrivateText => ({
  path,
  read: () => readPrivateFile(path, log),
  write: (text) => writePrivateFile(path, text),
})

/** An event as an entry: what happened stands where the operation does. */
function entryOf(event: SecurityEvent, clock: Clock, redact: Redact) {
  const { kind, outcome, via, address, who, requestId = '', details } = event
  return {
    requestId,
    atMs: clock.now(),
    callerId: who?.id ?? '',
    ...(who?.name !== undefined && { callerName: who.name }),
    ...(who?.person !== undefined && { person: who.person }),
    ...(who?.credential !== undefined && { credential: who.credential }),
    ...(who?.role !== undefined && { role: who.role }),
    via,
    ...(address !== undefined && { address }),
    operation: kind,
    provider: 'security',
    effect: 'event' as const,
    outcome,
    durationMs: 0,
    ...(details && { details: { arguments: redact(details) } }),
  }
}
