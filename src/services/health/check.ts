import { sql } from 'kysely'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { nearest } from '../../kernel/nearest.ts'
import type { Hub, Store } from '../../kernel/ports.ts'
import type { PartReport } from '../../kernel/status.ts'
import type { HealthHistory } from './history.ts'

/** What a check found. */
export interface Checked extends PartReport {
  /** Milliseconds to its answer, where it was asked something. */
  readonly latencyMs?: number
}

export interface CheckOptions {
  readonly hub: Pick<Hub, 'parts' | 'gateway'>
  readonly store: Store
  readonly clock: Clock
  readonly history: Pick<HealthHistory, 'record'>
  /** Wall-clock milliseconds of the latest check of each that was asked something. */
  readonly checkedMs: Map<string, number>
}

/** A server that takes longer is not well; a call that it works on goes on. */
const PATIENCE_MS = 5000

/** Throws Fault `not_found`. */
export function findPart(hub: Pick<Hub, 'parts'>, name: string): PartReport {
  const parts = hub.parts()
  const part = parts.find((one) => one.name === name)
  if (part) return part
  const names = parts.map((one) => one.name)
  const meant = nearest(name, names)
  throw new Fault('not_found', `There is no service or server called ${JSON.stringify(name.slice(0, 100))}.`, {
    hint: meant === undefined ? 'list_services says which there are.' : `Did you mean ${meant}?`,
  })
}

/**
 * Asks one part how it is now, without harm: a server that runs gets the cheapest request there is, the database a query;
 * nothing is started. Others say it by themselves.
 */
export async function check(part: PartReport, options: CheckOptions, signal: AbortSignal): Promise<Checked> {
  const ask = questionFor(part, options)
  if (!ask) return part
  const late = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])
  options.checkedMs.set(part.name, options.clock.now())
  try {
    const latencyMs = await ask(late)
    options.history.record({ kind: 'latency', name: part.name, atMs: options.clock.now(), latencyMs })
    return { ...part, latencyMs }
  } catch (error) {
    signal.throwIfAborted()
    const reason = late.aborted ? `it did not answer within ${PATIENCE_MS / 1000} s` : messageOf(error)
    return { ...part, status: 'unavailable', sinceMs: options.clock.now(), reason }
  }
}

type Question = (signal: AbortSignal) => Promise<number>

function questionFor({ name, status }: PartReport, { hub, store, clock }: CheckOptions): Question | undefined {
  if (name === 'store')
    return async () => {
      const startMs = clock.monotonic()
      await sql`select 1`.execute(store.as())
      return clock.monotonic() - startMs
    }
  const gateway = hub.gateway()
  const server = gateway?.servers().find(({ id }) => id === name)
  const isUp = server?.state === 'ready' || server?.state === 'degraded'
  return gateway && isUp && status !== 'unavailable' ? (signal) => gateway.check(name, signal) : undefined
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
