import type { Caller } from '../../kernel/caller.ts'
import type { Target } from '../../kernel/mcp/catalog.ts'
import { isObject, type Params } from '../../kernel/mcp/message.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { Registry } from '../../kernel/registry.ts'

/** Tasks whose maker is remembered; of older ones the server that runs them decides alone. */
const MOST_REMEMBERED = 10_000

/**
 * Whose task an id is: it works for nobody else, and with nothing else than it was made with (2025-11-25, tasks, "Security";
 * SEP-2663). Who answers what a task asks decides what it does.
 */
export interface Tasks {
  /** Looks for a task in a result. */
  note(provider: string, result: JsonText, caller: Caller): void
  /** At that provider, or at any. */
  isOf(taskId: unknown, caller: Caller, provider?: string): boolean
  /** Whether it is known to be somebody else's: nobody is told that it exists. */
  isOfAnother(taskId: unknown, caller: Caller, provider: string): boolean
  /** Who runs the task of a request; undefined: it is not known here. */
  targets(method: string, params: Params, caller: Caller): readonly Target[] | undefined
}

export function createTasks(registry: Registry): Tasks {
  /** By id, and within it by provider: each server counts its own. */
  const makers = new Map<string, Map<string, string>>()
  return {
    note(provider, result, caller) {
      // Most results have none: they are not parsed for it.
      if (!result.includes('"taskId"')) return
      const { taskId, task } = JSON.parse(result) as Params
      const id = isObject(task) ? task['taskId'] : taskId
      if (typeof id !== 'string') return
      const known = makers.get(id) ?? new Map<string, string>()
      if (!known.has(provider)) makers.set(id, known.set(provider, makerOf(caller)))
      if (makers.size > MOST_REMEMBERED) makers.delete(makers.keys().next().value ?? '')
    },
    isOf(taskId, caller, provider) {
      const known = typeof taskId === 'string' ? makers.get(taskId) : undefined
      if (provider !== undefined) return known?.get(provider) === makerOf(caller)
      return known?.values().some((maker) => maker === makerOf(caller)) ?? false
    },
    isOfAnother(taskId, caller, provider) {
      const maker = typeof taskId === 'string' ? makers.get(taskId)?.get(provider) : undefined
      return maker !== undefined && maker !== makerOf(caller)
    },
    targets(method, { taskId }, caller) {
      const known = method.startsWith('tasks/') && typeof taskId === 'string' ? makers.get(taskId) : undefined
      if (!known) return undefined
      const maker = makerOf(caller)
      return [...registry.providers()].filter(({ id }) => known.get(id) === maker).map((provider) => ({ provider }))
    },
  }
}

/** Ids of callers have no space. */
const makerOf = ({ id, credential = '' }: Caller): string => `${id} ${credential}`
