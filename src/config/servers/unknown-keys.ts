import type { z } from 'zod'
import { nearest } from '../../kernel/nearest.ts'
import { didYouMean } from '../explain.ts'
import { isObject } from '../layers.ts'
import { inner, keysOf } from '../shape.ts'

/** A key that nothing here reads: it stays in the file. */
export interface UnknownKey {
  readonly path: readonly PropertyKey[]
  /** `is unknown (did you mean env?)` */
  readonly text: string
}

interface Parts {
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
  readonly options?: readonly z.ZodType[]
}

/** Every key in the value that its schema does not name, at any depth. */
export function unknownKeys(schema: z.ZodType, value: unknown, path: readonly PropertyKey[] = []): UnknownKey[] {
  const { shape, element, valueType, options } = partsOf(schema)
  if (options) {
    const wanted = Array.isArray(value) ? 'element' : 'shape'
    const option = options.find((candidate) => partsOf(candidate)[wanted] !== undefined)
    return option ? unknownKeys(option, value, path) : []
  }
  if (Array.isArray(value))
    return element ? value.flatMap((item, index) => unknownKeys(element, item, [...path, index])) : []
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, child]) => {
    const next = shape && Object.hasOwn(shape, key) ? shape[key] : valueType
    if (next) return unknownKeys(next, child, [...path, key])
    return shape ? [{ path: [...path, key], text: explained(key, keysOf(inner(schema))) }] : []
  })
}

/** Keys of other clients that mean nothing here, or are written otherwise. */
const OTHERS: Readonly<Record<string, string>> = {
  timeout: 'is not used: clients do not agree on its unit (write timeoutSeconds)',
  autoApprove: 'is not used: clients ask before they call',
  alwaysAllow: 'is not used: clients ask before they call',
  trust: 'is not used: clients ask before they call',
  includeTools: 'is not used (write tools.allow)',
  excludeTools: 'is not used (write tools.deny)',
  disabledTools: 'is not used (write tools.deny)',
}

export const explained = (key: string, known: readonly string[]): string =>
  (Object.hasOwn(OTHERS, key) ? OTHERS[key] : undefined) ?? `is unknown${didYouMean(nearest(key, known))}`

const partsOf = (schema: z.ZodType): Parts => inner(schema).def as Parts
