import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import type { Log } from '../../kernel/log.ts'
import type { Registry } from '../../kernel/registry.ts'
import type { Memory } from './memory.ts'

/** No server's id: those begin with a letter. */
const NAMES = '*names'
const TOOLS = 'tools'
/** Servers come up together: they are written down once. */
const SETTLE_MS = 200

/**
 * Which tool has which name outlives the hub: otherwise it would hang on who of two that collide comes up first. Returns
 * what ends it.
 */
export function rememberNames(parts: {
  readonly registry: Registry
  readonly events: Events
  readonly memory: Memory
  readonly clock: Clock
  readonly log: Log
}): () => void {
  const { registry, events, memory, clock, log } = parts
  const known = (memory.get(NAMES, TOOLS) as Record<string, string> | undefined) ?? {}
  registry.reserve(known)
  let written = JSON.stringify(known)
  let cancel = () => {}
  const write = () => {
    const entries = registry.list().filter(({ provider }) => provider.kind === 'upstream')
    const owners = Object.fromEntries(entries.map(({ name, tool }) => [name, tool.name]))
    const text = JSON.stringify(owners)
    if (text === written) return
    written = text
    memory.set(NAMES, TOOLS, owners).catch((error: unknown) => log.warn('names were not remembered', { error }))
  }
  const end = events.on('tools.changed', () => {
    cancel()
    cancel = clock.after(SETTLE_MS, write)
  })
  return () => {
    end()
    cancel()
    write()
  }
}
