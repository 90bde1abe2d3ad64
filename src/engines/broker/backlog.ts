import type { OutgoingStore } from './outgoing-store.ts'
import type { Packet } from './packet.ts'

interface Draining {
  /** Packets that were handed out and not yet sent. */
  unsent: number
  /** Wakes the list when the last of them is sent. */
  wake: () => void
}

/**
 * What a session missed, sent before anything new (MQTT 5.0, 4.6: messages of one topic stay in order). aedes would
 * send new messages beside the old ones; while a client is here, they join its queue instead.
 */
export interface Backlog {
  /** The queue from its beginning, for a look at it. */
  list(client: string): Generator<Packet>
  /** The client is coming back: from now on what is new for it joins the queue. `drain` follows. */
  begin(client: string): void
  /** The same to be sent, with what joins it meanwhile. Ends when all of it is sent. */
  drain(client: string): AsyncGenerator<Packet>
  /** Told of each packet of the queue that is being sent. */
  sent(client: string): void
  /** Whether new messages for the client have to wait in its queue. */
  isDraining(client: string): boolean
}

/** Rows read at once from a long queue. */
const PAGE = 100

export function createBacklog(outgoing: OutgoingStore): Backlog {
  const draining = new Map<string, Draining>()

  const allSent = (state: Draining) =>
    new Promise<void>((resolve) => {
      state.wake = resolve
    })

  const begin = (client: string) => {
    const own: Draining = { unsent: 0, wake: () => undefined }
    draining.set(client, own)
    return own
  }

  return {
    begin: (client) => void begin(client),
    *list(client) {
      for (let after = 0; ;) {
        const rows = outgoing.page(client, after, PAGE)
        for (const { packet } of rows) yield packet
        const last = rows.at(-1)
        if (!last) return
        after = last.id
      }
    },
    async *drain(client) {
      const own = begin(client)
      try {
        for (let after = 0; ;) {
          const rows = outgoing.page(client, after, PAGE)
          for (const { id, packet } of rows) {
            own.unsent += 1
            after = id
            yield packet
          }
          if (rows.length > 0) continue
          // Looked at again after the wait: without one, nothing can have joined since the page was read.
          if (own.unsent === 0) return
          await allSent(own)
        }
      } finally {
        // A later connection of the client may have begun anew.
        if (draining.get(client) === own) draining.delete(client)
      }
    },
    sent(client) {
      const state = draining.get(client)
      if (!state || state.unsent === 0) return
      state.unsent -= 1
      if (state.unsent === 0) state.wake()
    },
    isDraining: (client) => draining.has(client),
  }
}
