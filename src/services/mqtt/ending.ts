/** The end of a connection, for those who wait for it. */
export interface Ending {
  /** Resolves with the reason. For what lasts as long as the connection: a reaction to a promise cannot be taken back. */
  readonly closed: Promise<string>
  /** Runs the listener when the end has come; returns what takes it back, and with it all that it holds. */
  onClosed(listener: (reason: string) => void): () => void
  end(reason: string): void
  /** How many listeners there are. */
  listeners(): number
}

export function createEnding(): Ending {
  const { promise: closed, resolve } = Promise.withResolvers<string>()
  const listeners = new Set<(reason: string) => void>()
  let ended = false
  return {
    closed,
    onClosed(listener) {
      if (ended) void closed.then(listener)
      else listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    end(reason) {
      if (ended) return
      ended = true
      resolve(reason)
      for (const listener of listeners) listener(reason)
      listeners.clear()
    },
    listeners: () => listeners.size,
  }
}
