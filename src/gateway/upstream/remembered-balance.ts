import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { BalanceChange } from '../../kernel/ports.ts'
import type { Memory } from './memory.ts'

const KEY = 'balance'

interface Remembered extends BalanceChange {
  /** What the configuration said when it was set: where that changed since, the configuration counts. */
  readonly instead: string
}

export interface RememberedBalance {
  read(): BalanceChange
  /** Resolves when it would survive a crash. */
  add(change: BalanceChange): Promise<void>
}

/** How somebody set the balance of a server while the hub ran; kept over restarts. */
export function rememberedBalance({ id, balance, replicas }: ServerDefinition, memory: Memory): RememberedBalance {
  const instead = JSON.stringify([balance, replicas.map(({ weight }) => weight)])
  const read = (): BalanceChange => {
    const known = memory.get(id, KEY) as Remembered | undefined
    return known?.instead === instead ? known : {}
  }
  return {
    read,
    async add({ strategy, weights }: BalanceChange): Promise<void> {
      const before = read()
      const merged = {
        ...before,
        ...(strategy !== undefined && { strategy }),
        weights: { ...before.weights, ...weights },
        instead,
      }
      await memory.set(id, KEY, merged)
    },
  }
}
