import type { Caller } from '../../kernel/caller.ts'
import type { Target } from '../../kernel/mcp/catalog.ts'
import { isObject, type Params } from '../../kernel/mcp/message.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { Registry } from '../../kernel/registry.ts'

/** Tasks whose maker is remembered; of older ones the server that runs them decides alone. */
const MOST_REMEMBERED = 10_000

/** Whose task an id is: it works for nobody else (2025-11-25, tasks, "Security"; SEP-2663). */
export interface Tasks {
  /** Looks for a task in a result. */
  note(provider: string, result: JsonText, caller: Caller): void
  isOf(taskId: unknown, caller: Caller): boolean
  /** Who runs the task of a request; undefined: it is not known here. */
  targets(method: string, params: Params, caller: Caller): readonly Target[] | undefined
}

export function createTasks(registry: Registry): Tasks {
  const makers = new Map<string, { provider: string; callerId: string }>()
  return {
    note(provider, result, caller) {
      // Most results have none: they are not parsed for it.
      if (!result.includes('"taskId"')) return
      const { taskId, task } = JSON.parse(result) as Params
      const id = isObject(task) ? task['taskId'] : taskId
      if (typeof id !== 'string' || makers.has(id)) return
      makers.set(id, { provider, callerId: caller.id })
      if (makers.size > MOST_REMEMBERED) makers.delete(makers.keys().next().value ?? '')
    },
    isOf: (taskId, caller) => typeof taskId === 'string' && makers.get(taskId)?.callerId === caller.id,
    targets(method, { taskId }, caller) {
      const maker = method.startsWith('tasks/') && typeof taskId === 'string' ? makers.get(taskId) : undefined
      if (!maker) return undefined
      if (maker.callerId !== caller.id) return []
      return [...registry.providers()].filter(({ id }) => id === maker.provider).map((provider) => ({ provider }))
    },
  }
}
