import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import { readJsonBytes } from '../../kernel/json.ts'
import type { Provider } from '../../kernel/registry.ts'
import type { Tool } from '../../kernel/tool.ts'

/** A description is retained, and held for as long as the service is known. */
const LONGEST_DESCRIPTION_BYTES = 1_000_000
const MOST_OPERATIONS = 500
const LONGEST_TIMEOUT_MS = 3_600_000

const Schema = z.record(z.string(), z.unknown())

const Described = z.object({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/)
    .max(100),
  summary: z.string().min(1).max(1000),
  description: z.string().max(20_000).exactOptional(),
  scope: z
    .string()
    .regex(/^[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*$/)
    .max(100)
    .nullable(),
  effect: z.enum(['read', 'write', 'destructive']),
  idempotent: z.boolean(),
  open_world: z.boolean(),
  streams: z.boolean(),
  /** Absent: models are shown it, and may call it. */
  for_models: z.literal(false).exactOptional(),
  route: z
    .object({
      method: z.enum(['GET', 'POST', 'PUT', 'DELETE']),
      path: z.templateLiteral(['/', z.string().regex(/^[\w.~{}/-]{1,200}$/)]),
    })
    .exactOptional(),
  /** `input`: it depends on the input, and the service itself keeps to it. Absent: the hub's default. */
  timeout_ms: z.union([z.int().min(1).max(LONGEST_TIMEOUT_MS), z.literal('input')]).exactOptional(),
  input: Schema.refine(({ type }) => type === 'object', 'must be the schema of an object'),
  output: Schema.exactOptional(),
})

const Description = z.object({
  service: z.string().max(100),
  version: z.string().max(100),
  operations: z.array(Described).min(1).max(MOST_OPERATIONS),
})

/** One operation of a service of another process, as it says of itself. */
export type Described = z.output<typeof Described>
export type Description = z.output<typeof Description>

/** What a service can do, as JSON. Throws Fault `too_large`. */
export function describe({ id, tools }: Provider, version: string): string {
  const sorted = tools.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const text = JSON.stringify({ service: id, version, operations: sorted.map(describedOf) })
  const bytes = Buffer.byteLength(text)
  if (bytes <= LONGEST_DESCRIPTION_BYTES) return text
  throw new Fault('too_large', `The description of ${id} has ${bytes} bytes; ${LONGEST_DESCRIPTION_BYTES} are allowed.`)
}

function describedOf(tool: Tool): Described {
  const { name, summary, description, scope, effect, idempotent, streams, forModels, route } = tool
  return {
    name,
    summary,
    ...(description !== undefined && { description }),
    scope,
    effect,
    idempotent,
    open_world: tool.openWorld,
    streams,
    ...(forModels === false && { for_models: forModels }),
    ...(route !== undefined && { route }),
    ...timeoutOf(tool),
    input: tool.inputSchema,
    ...(tool.outputSchema && { output: tool.outputSchema }),
  }
}

/** A limit that looks at no input is the same for every call. */
function timeoutOf({ timeoutMs }: Tool): Pick<Described, 'timeout_ms'> {
  if (timeoutMs === undefined) return {}
  return { timeout_ms: timeoutMs.length === 0 ? timeoutMs(undefined) : 'input' }
}

/**
 * A description that came from outside. Throws Fault `invalid_request` with what is wrong with it: it is taken whole or
 * not at all, for half of a service would be a riddle.
 */
export function readDescription(service: string, payload: Buffer): Description {
  if (payload.length > LONGEST_DESCRIPTION_BYTES)
    throw new Fault('invalid_request', `it has ${payload.length} bytes; ${LONGEST_DESCRIPTION_BYTES} are allowed`)
  const { data, error } = Description.safeParse(readJsonBytes(payload, 'it'))
  if (!data) {
    const [issue] = error.issues
    throw new Fault('invalid_request', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is no description'}`)
  }
  const names = new Set(data.operations.map(({ name }) => name))
  if (data.service !== service) throw new Fault('invalid_request', `it is one of ${JSON.stringify(data.service)}`)
  if (names.size !== data.operations.length) throw new Fault('invalid_request', 'it has an operation twice')
  const foreign = data.operations.find(({ name }) => !name.startsWith(`${service}.`))
  if (foreign) throw new Fault('invalid_request', `${foreign.name} is not one of its operations`)
  return data
}
