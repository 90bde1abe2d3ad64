import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../kernel/clock.ts'
import type { Provider } from '../../kernel/registry.ts'
import { createGroup, type Group } from '../../kernel/resilience/group.ts'
import type { GroupStatus } from '../../kernel/resilience/group-status.ts'
import type { Status } from '../../kernel/status.ts'
import type { Tool } from '../../kernel/tool.ts'
import { busTool } from './bus-tool.ts'
import type { Description } from './description.ts'
import type { Instance } from './instance.ts'
import type { Link } from './link.ts'

/** Calls at once of one process, and those that wait for it. */
const LIMITS = { concurrency: 256, queue: 1024 }

/** One service, however many processes run it. */
export class BusService {
  readonly name: string
  readonly #group: Group<Link>
  #description: Description | undefined
  #tools: readonly Tool[] = []
  /** What was last told to others. */
  lastStatus: Status | undefined

  constructor(name: string, clock: Clock) {
    this.name = name
    this.#group = createGroup<Link>({ name, members: [], strategy: 'least_loaded', limits: LIMITS, clock })
  }

  /**
   * Takes over who runs it now. The description is that of the process that was started last, of those that are there:
   * where several differ, the newer one is on its way to all of them. Returns whether its operations are others now.
   */
  update(instances: readonly Instance[]): boolean {
    this.#group.replace(asked(instances).map((instance) => instance.member(this.name)))
    const description = leading(instances)?.descriptions.get(this.name)
    if (!description || isDeepStrictEqual(description, this.#description)) return false
    this.#description = description
    this.#tools = description.operations.map((operation) => busTool(operation, this.#group))
    return true
  }

  provider(): Provider {
    return { id: this.name, kind: 'bus', tools: this.#tools, report: () => this.#group.report() }
  }

  status(): GroupStatus {
    return this.#group.status()
  }
}

const isAway = ({ awaySinceMs }: Instance) => awaySinceMs !== undefined

function leading(instances: readonly Instance[]): Instance | undefined {
  const there = instances.filter((instance) => !isAway(instance))
  return (there.length > 0 ? there : instances).toSorted((a, b) => b.startedMs - a.startedMs)[0]
}

/** Those that were stopped on purpose are missed only where there is nobody else. */
function asked(instances: readonly Instance[]): readonly Instance[] {
  const wanted = instances.filter(({ is }) => is !== 'stopped')
  return wanted.length > 0 ? wanted : instances
}
