import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { ToolApproval } from '../../kernel/ports.ts'
import { NO_LISTS, type Lists } from './listed.ts'
import type { Memory } from './memory.ts'
import { faceOf, hashOf, held, type Pin } from './pins.ts'
import { isOffered } from './tools.ts'

/** What an upstream listed when it was last asked, and what of it was approved; both outlive the process. */
export interface KnownLists {
  readonly lists: Lists
  readonly pins: ReadonlyMap<string, Pin>
  /**
   * Takes in what the server lists now. Resolves to whether anything is not what it was: known at once, and after a restart too
   * where it could be written down.
   */
  learn(lists: Lists): Promise<boolean>
  /** Approves tools as they are now. Throws Fault `not_found`, `conflict`; none is approved then. */
  approve(approvals: readonly ToolApproval[]): Promise<void>
}

/** Approved tools that are kept in mind while their server does not list them. */
const MOST_ABSENT = 1000

export function createKnownLists(
  definition: ServerDefinition,
  memory: Memory,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): KnownLists {
  const { id } = definition
  let lists = (memory.get(id, 'lists') as Lists | undefined) ?? NO_LISTS
  let pins = new Map(Object.entries((memory.get(id, 'pins') as Record<string, Pin> | undefined) ?? {}))
  let text = JSON.stringify(lists)

  const pin = async (chosen: Lists['tools']) => {
    if (chosen.length === 0) return
    const approvedAtMs = clock.now()
    pins = new Map(pins)
    for (const tool of chosen) {
      const face = faceOf(tool)
      pins.set(tool.name, { hash: hashOf(face), approvedAtMs, face })
    }
    forgetAbsent()
    await memory.set(id, 'pins', Object.fromEntries(pins))
  }

  /** A server may list others each time: those approved first are forgotten first. */
  const forgetAbsent = () => {
    const listed = new Set(lists.tools.map(({ name }) => name))
    const absent = [...pins.keys()].filter((name) => !listed.has(name))
    for (const name of absent.slice(0, -MOST_ABSENT)) pins.delete(name)
  }

  /** What needs nobody's approval is approved by being seen: from then on a change of it shows. */
  const isUnpinned = (tool: Lists['tools'][number]) =>
    pins.get(tool.name)?.hash !== hashOf(faceOf(tool)) && held(tool, pins.get(tool.name), definition) === undefined

  return {
    get lists() {
      return lists
    },
    get pins() {
      return pins
    },
    async learn(now) {
      const next = JSON.stringify(now)
      const isNew = next !== text
      lists = now
      text = next
      try {
        await pin(now.tools.filter(({ name }) => isOffered(definition, name)).filter(isUnpinned))
        if (isNew) await memory.set(id, 'lists', now)
      } catch (error) {
        log.warn('what it lists was not written down', { error })
      }
      return isNew
    },
    async approve(approvals) {
      const byName = new Map(lists.tools.map((tool) => [tool.name, tool]))
      await pin(
        approvals.map(({ name, fingerprint }) => {
          const tool = byName.get(name)
          if (!tool)
            throw new Fault('not_found', `${id} has no tool called ${JSON.stringify(name.slice(0, 100))}.`, {
              hint: 'review_tools lists those that wait.',
            })
          if (fingerprint === undefined || fingerprint === hashOf(faceOf(tool))) return tool
          throw new Fault('conflict', `${id}.${name} is not what was looked at: it changed again.`, {
            hint: 'Look at it once more: review_tools.',
          })
        }),
      )
    },
  }
}
