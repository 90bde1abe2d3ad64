import { z } from 'zod'
import { Fault } from './fault.ts'
import { describeIssues } from './issues.ts'
import type { Rate } from './token-bucket.ts'
import type { CallContext, Effect, JsonSchema, Route, Tool, Touch } from './tool.ts'

/** An operation as its author writes it: everything any protocol needs to know, once. */
export interface OperationSpec<Deps, Input extends z.ZodObject, Output extends z.ZodType> {
  /** `service.verb_noun` in lower case; the part after the dot is what MCP clients and people call it. */
  name: `${string}.${string}`
  /** One sentence that says what it does. */
  summary: string
  /** More for whoever decides whether to call it: what the result means, when to use something else. */
  description?: string
  /** `area:verb`; `null` opens it to anyone who can reach the hub. */
  scope: string | null
  effect: Effect
  /** Safe to repeat though it is not a read; lets `invoke` retry it. */
  idempotent?: boolean
  openWorld?: boolean
  streams?: boolean
  /** All it does is to make another call for the same caller, which is governed by itself. */
  passesOn?: boolean
  /** What of the home it touches; absent, or undefined: no telling, so nobody who is bound to a room may call it. */
  touches?: (input: z.output<Input>) => readonly Touch[] | undefined
  /** `false`: MCP clients neither see nor call it. */
  forModels?: boolean
  /** Its own REST address; without one it is `POST /api/<service>/<operation>`. */
  route?: Route
  /** How often one caller may call it: for what costs money, or wears something out. */
  rate?: Rate
  /** Milliseconds; absent: the hub's default. */
  timeoutMs?: number | ((input: z.output<Input>) => number)
  /** Unknown keys are refused: a mistyped argument that is silently ignored costs its user an hour. */
  input: Input
  output: Output
  handler(input: z.output<Input>, context: Deps & CallContext): Promise<z.input<Output>>
}

/** What can be known of an operation before its service runs, and `bind`, which gives it what it works on. */
export interface Operation<Deps> {
  readonly name: string
  readonly meta: Omit<Tool, 'run'>
  bind(deps: Deps): Tool
}

const NAME = /^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/

/**
 * `operation<Deps>()(spec)`: the two calls let the schemas be inferred while `Deps` is given by name.
 * Throws TypeError when the name is not `service.verb_noun`.
 */
export function operation<Deps = unknown>() {
  return <Input extends z.ZodObject, Output extends z.ZodType>(
    spec: OperationSpec<Deps, Input, Output>,
  ): Operation<Deps> => {
    if (!NAME.test(spec.name)) throw new TypeError(`Operation name ${spec.name} is not service.verb_noun.`)
    const input = spec.input.strict()
    const meta: Omit<Tool, 'run'> = {
      name: spec.name,
      summary: spec.summary,
      ...(spec.description !== undefined && { description: spec.description }),
      scope: spec.scope,
      effect: spec.effect,
      idempotent: spec.effect === 'read' || (spec.idempotent ?? false),
      openWorld: spec.openWorld ?? false,
      streams: spec.streams ?? false,
      ...(spec.passesOn !== undefined && { passesOn: spec.passesOn }),
      ...(spec.touches && { touches: spec.touches }),
      ...(spec.forModels !== undefined && { forModels: spec.forModels }),
      ...(spec.route !== undefined && { route: spec.route }),
      ...(spec.rate !== undefined && { rate: spec.rate }),
      ...timeoutOf(spec.timeoutMs as number | ((input: unknown) => number) | undefined),
      ...lazySchemas(input, spec.output),
      parse(raw) {
        const parsed = input.safeParse(raw ?? {})
        if (parsed.success) return parsed.data
        throw invalidInput(spec.name, parsed.error, Object.keys(input.shape))
      },
      checkOutput(value) {
        spec.output.parse(value)
      },
    }
    return {
      name: spec.name,
      meta,
      bind: (deps) =>
        // Descriptors, not a spread: a spread would make every schema at once.
        Object.defineProperty(Object.create(meta, Object.getOwnPropertyDescriptors(meta)) as Tool, 'run', {
          // `parse` made the input what the handler declares; the neutral form cannot say so. A copy, not an object with
          // the context as prototype: V8 makes a hidden class for every prototype, and that class holds the whole call
          // until the next full collection.
          value: (value: unknown, context: CallContext) =>
            spec.handler(value as z.output<Input>, { ...context, ...deps }),
        }),
    }
  }
}

function timeoutOf(timeoutMs: number | ((input: unknown) => number) | undefined): Pick<Tool, 'timeoutMs'> {
  if (timeoutMs === undefined) return {}
  return { timeoutMs: typeof timeoutMs === 'number' ? () => timeoutMs : timeoutMs }
}

/** JSON Schemas cost about a millisecond each: made when first asked for, so that the hub starts without them. */
function lazySchemas(input: z.ZodObject, output: z.ZodType): Pick<Tool, 'inputSchema' | 'outputSchema'> {
  let inputSchema: JsonSchema | undefined
  let outputSchema: JsonSchema | undefined
  return {
    get inputSchema() {
      return (inputSchema ??= jsonSchema(input, 'input'))
    },
    get outputSchema() {
      return (outputSchema ??= jsonSchema(output, 'output'))
    },
  }
}

/** Without `$schema`: 2020-12 is what MCP and OpenAPI 3.1 take for granted. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    unrepresentable: 'any',
    override({ jsonSchema: made }) {
      // `.meta({ secret: true })`, in the words of JSON Schema: whoever keeps arguments leaves it out (`redact.ts`).
      if (made['secret'] === true) {
        delete made['secret']
        made.writeOnly = true
      }
      // The format says it already; Zod's pattern for a UUID alone costs a model 100 tokens, in every tool.
      if (made.format !== undefined) delete made.pattern
    },
  })
  return rest
}

function invalidInput(name: string, error: z.ZodError, known: readonly string[]): Fault {
  const issues = describeIssues(error, known)
  return new Fault('invalid_input', `${name}: ${issues.map((issue) => issue.text).join('; ')}.`, {
    hint: known.length === 0 ? 'It takes no arguments.' : `It takes: ${known.join(', ')}.`,
    details: { issues },
    cause: error,
  })
}
