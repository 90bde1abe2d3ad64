import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import { describeIssues } from '../../kernel/issues.ts'
import type { Effect } from '../../kernel/tool.ts'
import { compileTemplate, type Template } from './mapping/template.ts'

const Parameter = z.strictObject({
  type: z.enum(['string', 'number', 'integer', 'boolean', 'object', 'array']),
  description: z.string().max(500).optional(),
  optional: z.boolean().default(false),
  default: z.json().optional(),
  enum: z.array(z.string()).min(1).max(100).optional(),
})

const ProviderDefinition = z.strictObject({
  tool: z.string().min(1).max(200).describe('The name of the tool as callers know it, or its full name'),
  arguments: z.record(z.string(), z.json()).optional().describe('What the tool is given; absent: the input as it is'),
  result: z.json().optional().describe('What the caller gets; absent: what the tool answered'),
  error: z.string().optional().describe('Where a tool that reports no error hides one: a template; empty means none'),
  timeoutSeconds: z.number().min(0.1).max(3600).optional(),
})

/** A capability as its author writes it, in `mcp.json` or as a preset. */
export const CapabilityDefinition = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_]{0,59}$/, 'expected lower_case_words, at most 60 characters'),
  description: z.string().min(1).max(1000),
  input: z.record(z.string().regex(/^[A-Za-z]\w{0,59}$/), Parameter).default({}),
  effect: z.enum(['read', 'write', 'destructive']).optional().describe('Absent: what the tool says of itself'),
  providers: z.array(ProviderDefinition).min(1).max(50).describe('In order of preference'),
})

export type CapabilityDefinition = z.input<typeof CapabilityDefinition>
export type ProviderDefinition = z.input<typeof ProviderDefinition>
type ParameterOutput = z.output<typeof Parameter>

/** One way to do it. */
export interface CapabilityProvider {
  /** Name of the tool. */
  readonly tool: string
  readonly timeoutMs: number | undefined
  readonly arguments: Template
  readonly result: Template | undefined
  readonly error: Template | undefined
}

export interface Capability {
  readonly name: string
  readonly description: string
  readonly effect: Effect | undefined
  readonly input: Readonly<Record<string, ParameterOutput>>
  /** In order of preference. */
  readonly providers: readonly CapabilityProvider[]
  /** The arguments, checked and with defaults. Throws Fault `invalid_input`. */
  parse(raw: unknown): Record<string, unknown>
}

/** Throws Fault `invalid_input` that says what is wrong with the definition, and where. */
export function compileCapability(definition: unknown): Capability {
  const parsed = CapabilityDefinition.safeParse(definition)
  if (!parsed.success)
    throw refused(
      nameOf(definition),
      describeIssues(parsed.error)
        .map(({ text }) => text)
        .join('; '),
    )
  const { name, description, effect, input, providers } = parsed.data
  const schema = z.strictObject(Object.fromEntries(Object.entries(input).map(([key, one]) => [key, schemaOf(one)])))
  return {
    name,
    description,
    effect,
    input,
    providers: providers.map((provider, at) => compileProvider(name, provider, at)),
    parse(raw) {
      const result = schema.safeParse(raw ?? {})
      if (result.success) return result.data
      const known = Object.keys(input)
      const issues = describeIssues(result.error, known)
      throw new Fault('invalid_input', `${name}: ${issues.map(({ text }) => text).join('; ')}.`, {
        hint: known.length === 0 ? 'It takes no arguments.' : `It takes: ${known.join(', ')}.`,
        details: { issues },
      })
    },
  }
}

function compileProvider(name: string, provider: z.output<typeof ProviderDefinition>, at: number): CapabilityProvider {
  const compile = (part: 'arguments' | 'result' | 'error', value: unknown, roots: readonly string[]) => {
    try {
      return compileTemplate(value, roots)
    } catch (error) {
      throw refused(name, `providers[${at}].${part}: ${(error as Error).message}`)
    }
  }
  return {
    tool: provider.tool,
    timeoutMs: provider.timeoutSeconds === undefined ? undefined : provider.timeoutSeconds * 1000,
    arguments: compile('arguments', provider.arguments ?? '{{input}}', ['input', 'now']),
    result: provider.result === undefined ? undefined : compile('result', provider.result, ['input', 'result', 'now']),
    error: provider.error === undefined ? undefined : compile('error', provider.error, ['input', 'result', 'now']),
  }
}

function schemaOf(parameter: ParameterOutput): z.ZodType {
  const base: z.ZodType = parameter.enum ? z.enum(parameter.enum) : TYPES[parameter.type]
  if (parameter.default !== undefined) return base.default(parameter.default)
  return parameter.optional ? base.optional() : base
}

const TYPES = {
  string: z.string(),
  number: z.number(),
  integer: z.int(),
  boolean: z.boolean(),
  object: z.record(z.string(), z.unknown()),
  array: z.array(z.unknown()),
}

const refused = (name: string, why: string) =>
  new Fault('invalid_input', `The capability ${JSON.stringify(name)} is not as it should be: ${why}.`)

function nameOf(definition: unknown): string {
  const name =
    typeof definition === 'object' && definition !== null && 'name' in definition ? definition.name : undefined
  return typeof name === 'string' ? name.slice(0, 100) : '?'
}
