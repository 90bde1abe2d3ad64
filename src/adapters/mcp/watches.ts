import type { Caller } from '../../kernel/caller.ts'
import type { Invoke } from '../../kernel/invoke.ts'
import type { Log } from '../../kernel/log.ts'

/** Resources that clients want to hear of, counted: a server is told of the first who asks and of the last who goes. */
export interface Watches {
  /** Counts one who watches. `uri` as the provider knows it. */
  add(provider: string, uri: string): void
  /** Counts one less; the server is told when none is left. */
  remove(watch: Watch): void
}

export interface Watch {
  readonly provider: string
  readonly uri: string
  readonly caller: Caller
}

export function createWatches(invoke: Invoke, log: Log): Watches {
  const counts = new Map<string, number>()
  const keyOf = (provider: string, uri: string) => `${provider} ${uri}`
  return {
    add(provider, uri) {
      const key = keyOf(provider, uri)
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },
    remove({ provider, uri, caller }) {
      const key = keyOf(provider, uri)
      const left = (counts.get(key) ?? 0) - 1
      if (left > 0) return void counts.set(key, left)
      if (!counts.delete(key)) return
      invoke({ operation: `${provider}/resources/unsubscribe`, input: { uri }, caller }).catch((error: unknown) =>
        log.debug('a resource could not be unsubscribed', { provider, error }),
      )
    },
  }
}
