import type { Client } from 'aedes'

/** How the broker hands a packet to the subscribers that match: `done` when each has it. */
export interface Emitter {
  emit(packet: object, done: (error?: Error) => void): unknown
}

export interface BackPressureOptions {
  /** Bytes waiting for one client from which on publishers wait for it. */
  readonly softBytes: number
  /** Bytes waiting for one client from which on nothing is added. */
  readonly hardBytes: number
  /** Milliseconds publishers wait for a client that takes nothing; then it is left behind. */
  readonly patienceMs: number
  readonly now: () => number
}

/**
 * What to do when a subscriber reads more slowly than others publish. aedes lets every publisher wait for every
 * subscriber: nothing is lost, but one laptop that fell asleep stops the whole bus until it is cut off. Here publishers
 * do not wait for subscribers that keep up, wait for those that are slow but reading, and no longer than `patienceMs`
 * for one that reads nothing.
 */
export interface BackPressure {
  /** Asked for each delivery: whether the client's connection can take one more message now. */
  hasRoom(client: Client): boolean
  /** Puts itself between the broker and its emitter; `before` sees each packet first. */
  govern(emitter: Emitter, before?: (packet: object) => void): void
  /** Deliveries that found no room. */
  readonly refused: number
}

/** A burst of state reports fits below the first; a few clients at the second fit in memory. */
export const BACK_PRESSURE = {
  softBytes: 256 * 1024,
  hardBytes: 16 * 1024 * 1024,
  now: () => performance.now(),
} satisfies Partial<BackPressureOptions>

export function createBackPressure({ softBytes, hardBytes, patienceMs, now }: BackPressureOptions): BackPressure {
  /** Clients behind the soft limit: what their connection had taken when it last took something. */
  const behind = new WeakMap<Client, { takenBytes: number; sinceMs: number }>()
  let congested = false
  let refused = 0

  const isStuck = (client: Client): boolean => {
    const takenBytes = bytesTaken(client)
    const before = behind.get(client)
    if (before && takenBytes <= before.takenBytes) return now() - before.sinceMs > patienceMs
    behind.set(client, { takenBytes, sinceMs: now() })
    return false
  }

  return {
    hasRoom(client) {
      const waitingBytes = client.conn.writableLength
      if (waitingBytes < softBytes) {
        behind.delete(client)
        return true
      }
      if (waitingBytes >= hardBytes || isStuck(client)) {
        refused += 1
        return false
      }
      congested = true
      return true
    },
    govern(emitter, before) {
      const emit = emitter.emit.bind(emitter)
      emitter.emit = (packet, done) => {
        let released = false
        const release = (error?: Error) => {
          if (released) return
          released = true
          done(error)
        }
        congested = false
        before?.(packet)
        // Each subscriber is asked for room before this returns, so `congested` is this packet's.
        emit(packet, release)
        if (!congested) setImmediate(release)
        else setTimeout(release, patienceMs).unref()
        return emitter
      }
    },
    get refused() {
      return refused
    },
  }
}

/** Bytes the connection has passed on; 0 where the stream does not say (WebSocket). */
function bytesTaken({ conn }: Client): number {
  return 'bytesWritten' in conn && typeof conn.bytesWritten === 'number' ? conn.bytesWritten - conn.writableLength : 0
}
