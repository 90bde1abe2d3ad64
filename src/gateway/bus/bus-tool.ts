import { Fault } from '../../kernel/fault.ts'
import { isObject } from '../../kernel/mcp/message.ts'
import type { CallKind, Group } from '../../kernel/resilience/group.ts'
import type { CallContext, Tool } from '../../kernel/tool.ts'
import type { Described } from './description.ts'
import type { Link } from './link.ts'

/** The service keeps to its own limits; this one only has to be longer. */
const LONGEST_MS = 3_660_000
/** The service's own answer that it took too long is better than the hub's. */
const WAY_BACK_MS = 500

/** An operation of a service of another process, as the hub offers it. */
export function busTool(described: Described, group: Group<Link>): Tool {
  const { name, summary, description, scope, effect, streams, route } = described
  const idempotent = effect === 'read' || described.idempotent
  const kind: CallKind = { repeatable: idempotent, hedged: false }
  return {
    name,
    summary,
    ...(description !== undefined && { description }),
    scope,
    effect,
    idempotent,
    openWorld: described.open_world,
    streams,
    ...(described.for_models === false && { forModels: false }),
    ...(route !== undefined && { route }),
    ...timeoutOf(described),
    inputSchema: described.input,
    ...(described.output !== undefined && { outputSchema: described.output }),
    parse(input) {
      if (input === undefined || isObject(input)) return input ?? {}
      throw new Fault('invalid_input', `${name}: the arguments must be an object.`)
    },
    // The service checks what goes in and what comes out.
    checkOutput: () => {},
    run: (input, context) => ask(group, { operation: name, input, context, kind }),
  }
}

interface Asked {
  readonly operation: string
  readonly input: unknown
  readonly context: CallContext
  readonly kind: CallKind
}

async function ask(group: Group<Link>, { operation, input, context, kind }: Asked): Promise<unknown> {
  const { repeatable } = kind
  const outcome = await group.run(
    (link, signal) => link.call({ operation, input, context, signal, repeatable }),
    context,
    kind,
  )
  // Outside of the group: that the service refused, or that what it works on is down, says nothing against it.
  if (outcome.is === 'fault') throw outcome.fault
  return outcome.value
}

function timeoutOf({ timeout_ms: limit }: Described): Pick<Tool, 'timeoutMs'> {
  if (limit === undefined) return {}
  const limitMs = limit === 'input' ? LONGEST_MS : limit + WAY_BACK_MS
  return { timeoutMs: () => limitMs }
}
