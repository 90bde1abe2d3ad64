import type { Broker } from '../../kernel/ports.ts'
import type { Wanted } from './connection.ts'
import { payloadOf } from './message.ts'

/** Counts what the broker dropped for slow subscribers of all kinds while a collection ran. */
export interface DropMeter {
  /** To be subscribed beside the collection. */
  readonly beside?: Wanted
  /** The count since the meter was made; null where the broker does not say. */
  read(): Promise<number | null>
}

/** Of the hub's own broker, which knows exactly. */
export async function ownDropMeter(broker: Broker): Promise<DropMeter> {
  // What was collected is worth more than this number: that it cannot be had costs nothing else.
  const dropped = () => broker.dropped().catch(() => undefined)
  const before = await dropped()
  return {
    async read() {
      const after = await dropped()
      return before === undefined || after === undefined ? null : Math.max(after - before, 0)
    },
  }
}

const DROPPED_TOPIC = '$SYS/broker/publish/messages/dropped'

/**
 * Of another broker, by the counter that Mosquitto and its like publish every few seconds. Not where the collection
 * reads `$SYS` itself: the two subscriptions would overlap.
 */
export function sysDropMeter(filter: string): DropMeter {
  if (filter.startsWith('$')) return { read: () => Promise.resolve(null) }
  let first: number | undefined
  let last: number | undefined
  return {
    beside: {
      filter: DROPPED_TOPIC,
      matches: (topic) => topic === DROPPED_TOPIC,
      listener(packet) {
        const count = Number(payloadOf(packet).toString())
        if (!Number.isFinite(count)) return
        first ??= count
        last = count
      },
    },
    read: () => Promise.resolve(first === undefined || last === undefined ? null : Math.max(last - first, 0)),
  }
}
