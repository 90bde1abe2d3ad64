import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Alert, AlertTable } from './alert-table.ts'

export interface AlertsOptions {
  readonly table: AlertTable
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
  /** How long those that are over are kept. */
  readonly retentionDays: number
}

export type NewAlert = Pick<Alert, 'key' | 'about' | 'severity' | 'message' | 'by'>

/** What is wrong at the moment, over restarts of the hub. */
export interface Alerts {
  /** The oldest first. */
  active(): readonly Alert[]
  past(limit: number): Promise<readonly Alert[]>
  /** One that lasts already stays as it is. Throws Fault `conflict` when there are too many; `storage_failed`. */
  raise(alert: NewAlert): Promise<Alert>
  /** Throws Fault `not_found`. */
  resolve(id: string): Promise<Alert>
  /** Raised by the hub itself or not any more: written down as soon as the database is there, and never throws. */
  follow(alert: NewAlert, isOn: boolean): void
  /** Ends the hub's own alerts about what is no more. */
  keepOnly(by: string, keys: ReadonlySet<string>): void
  close(): Promise<void>
}

const DAY_MS = 86_400_000
/** Somebody has to read them. */
const MOST_ACTIVE = 1000

/** Throws Fault `storage_failed`. */
export async function openAlerts({ table, events, clock, log, retentionDays }: AlertsOptions): Promise<Alerts> {
  const active = new Map((await table.active()).map((alert) => [alert.key, alert]))
  let lastWrite: Promise<void> = Promise.resolve()
  let cancelPrune = () => {}

  const quietly = (write: () => Promise<void>) => {
    lastWrite = lastWrite.then(write).catch((error: unknown) => log.warn('alerts could not be written', { error }))
  }

  const pruneDaily = () => {
    cancelPrune = clock.after(DAY_MS, pruneDaily)
    quietly(() => table.prune(clock.now() - retentionDays * DAY_MS))
  }
  pruneDaily()

  const begin = (alert: NewAlert): Alert => {
    if (active.size >= MOST_ACTIVE)
      throw new Fault('conflict', `There are ${MOST_ACTIVE} alerts already.`, { hint: 'Resolve some of them.' })
    const made: Alert = { ...alert, id: crypto.randomUUID(), raisedMs: clock.now() }
    active.set(alert.key, made)
    log.warn('alert', { about: made.about, message: made.message, by: made.by })
    return made
  }

  const end = (alert: Alert): Alert => {
    active.delete(alert.key)
    log.info('alert is over', { about: alert.about })
    return { ...alert, resolvedMs: clock.now() }
  }

  const endQuietly = (alert: Alert) => {
    const { id, resolvedMs = 0 } = end(alert)
    quietly(() => table.resolve(id, resolvedMs))
  }

  const follow = (alert: NewAlert, isOn: boolean) => {
    const known = active.get(alert.key)
    if (!isOn) {
      if (known) endQuietly(known)
    } else if (!known && active.size < MOST_ACTIVE) {
      const made = begin(alert)
      quietly(() => table.insert(made))
    }
  }

  const stopListening = events.on('alarm.changed', ({ key, about, message, by, isOn }) =>
    follow({ key: `${by} ${key}`, about, message, by, severity: 'warning' }, isOn),
  )

  return {
    active: () => [...active.values()],
    async past(limit) {
      await lastWrite
      return await table.past(limit)
    },
    async raise(alert) {
      const known = active.get(alert.key)
      if (known) return known
      const made = begin(alert)
      try {
        await table.insert(made)
      } catch (error) {
        active.delete(made.key)
        throw error
      }
      return made
    },
    async resolve(id) {
      const alert = [...active.values()].find((one) => one.id === id)
      if (!alert) throw new Fault('not_found', `No alert ${JSON.stringify(id.slice(0, 100))} lasts.`)
      await lastWrite
      await table.resolve(id, clock.now())
      return end(alert)
    },
    follow,
    keepOnly(by, keys) {
      for (const alert of active.values()) if (alert.by === by && !keys.has(alert.key)) endQuietly(alert)
    },
    async close() {
      stopListening()
      cancelPrune()
      await lastWrite
    },
  }
}
