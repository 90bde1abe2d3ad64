import type { z } from 'zod'

/** What a schema is under its defaults and options. */
export function inner(schema: z.ZodType): z.ZodType {
  let current = schema
  for (;;) {
    const { innerType } = current.def as { innerType?: z.ZodType }
    if (innerType === undefined) return current
    current = innerType
  }
}

/** What schemas of objects, lists and records are made of. */
interface Parts {
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
}

/** The schema of what stands at that path, or undefined where the schema knows nothing. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let current: z.ZodType | undefined = inner(schema)
  for (const step of path) {
    const { shape, element, valueType } = current.def as Parts
    const next: z.ZodType | undefined = typeof step === 'number' ? element : (shape?.[String(step)] ?? valueType)
    if (next === undefined) return undefined
    current = inner(next)
  }
  return current
}

export function keysOf(schema: z.ZodType | undefined): string[] {
  const { shape } = (schema?.def ?? {}) as { shape?: object }
  return Object.keys(shape ?? {})
}

/** Every dotted path to a value, for finding what somebody meant. */
export function leavesOf(schema: z.ZodType, prefix = ''): string[] {
  const { shape } = inner(schema).def as { shape?: Record<string, z.ZodType> }
  if (shape === undefined) return [prefix]
  return Object.entries(shape).flatMap(([key, child]) => leavesOf(child, prefix === '' ? key : `${prefix}.${key}`))
}
