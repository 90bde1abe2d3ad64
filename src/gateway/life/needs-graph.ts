import { clockTime } from '../../kernel/clock-time.ts'
import type { Events } from '../../kernel/events.ts'
import { nearest } from '../../kernel/nearest.ts'
import type { StatusReport } from '../../kernel/status.ts'

/** A server and the names of what it is of no use without: other servers, parts of the hub. */
export interface Needing {
  readonly name: string
  readonly needs: readonly string[]
}

export interface StartOrder {
  /** Each after what it needs, in the order given where that leaves a choice. */
  readonly order: readonly string[]
  /** What can never start, and why: a need that does not exist, a cycle, or a need that can never start. */
  readonly refused: ReadonlyMap<string, string>
}

/** In which order servers start. One that is refused takes along those that need it, and nothing else. */
export function orderByNeeds(servers: readonly Needing[], parts: Iterable<string>): StartOrder {
  const byName = new Map(servers.map((server) => [server.name, server]))
  const known = new Set([...byName.keys(), ...parts])
  const refused = new Map<string, string>()
  const order: string[] = []
  const done = new Set<string>()

  const visit = ({ name, needs }: Needing, path: readonly string[]): void => {
    if (done.has(name)) return
    if (path.includes(name)) return refuseCycle(path.slice(path.indexOf(name)))
    for (const need of needs) {
      const server = byName.get(need)
      if (server) visit(server, [...path, name])
      else if (!known.has(need)) refuse(name, unknownNeed(need, known))
      if (refused.has(need)) refuse(name, `it needs ${need}, which cannot start`)
    }
    done.add(name)
    if (!refused.has(name)) order.push(name)
  }
  /** The first reason is the one nearest to the cause. */
  const refuse = (name: string, reason: string) => {
    if (!refused.has(name)) refused.set(name, reason)
  }
  const refuseCycle = (members: readonly string[]) => {
    const circle = [...members, members[0]].join(' → ')
    for (const member of members) refuse(member, `these need each other: ${circle}`)
  }

  for (const server of servers) visit(server, [])
  return { order, refused }
}

function unknownNeed(need: string, known: ReadonlySet<string>): string {
  const meant = nearest(need, [...known])
  return `it needs ${need}, which does not exist${meant === undefined ? '' : ` (did you mean ${meant}?)`}`
}

export interface NeedsOptions {
  readonly servers: readonly Needing[]
  /** How a server or a part of the hub does; undefined where there is none of that name. */
  statusOf(name: string): StatusReport | undefined
  readonly events: Events
  /** Wall-clock milliseconds. */
  now(): number
}

/** Who needs whom while the hub runs. */
export interface Needs {
  /** "mosquitto is down since 14:02", for the first thing it needs that is; undefined when all are up. */
  blockedBy(name: string): string | undefined
  /** Whether others need it: then it does not wait to be asked, and is not put to sleep. */
  isNeeded(name: string): boolean
  /** Calls `changed` whenever the status of something it needs changes. Returns what ends that. */
  watch(name: string, changed: () => void): () => void
  close(): void
}

/** `servers`: those that `orderByNeeds` did not refuse, so there is no cycle. */
export function createNeeds({ servers, statusOf, events, now }: NeedsOptions): Needs {
  const needsOf = new Map(servers.map(({ name, needs }) => [name, needs]))
  const dependents = new Map<string, Set<() => void>>()
  const needed = new Set(servers.flatMap(({ needs }) => needs))

  /** The cause, not what suffers from it too. */
  const rootOf = (name: string): string | undefined => {
    const through = firstDown(name)
    if (through !== undefined) return through
    const report = statusOf(name)
    if (report === undefined) return `${name} does not exist`
    if (report.status !== 'unavailable') return undefined
    return `${name} is down since ${clockTime(report.sinceMs, now())}`
  }
  const firstDown = (name: string): string | undefined => {
    for (const need of needsOf.get(name) ?? []) {
      const root = rootOf(need)
      if (root !== undefined) return root
    }
    return undefined
  }

  const end = events.on('status.changed', ({ name }) => {
    for (const changed of dependents.get(name) ?? []) changed()
  })

  return {
    blockedBy: firstDown,
    isNeeded: (name) => needed.has(name),
    watch(name, changed) {
      const needs = needsOf.get(name) ?? []
      for (const need of needs) dependents.set(need, (dependents.get(need) ?? new Set()).add(changed))
      return () => {
        for (const need of needs) dependents.get(need)?.delete(changed)
      }
    },
    close: end,
  }
}
