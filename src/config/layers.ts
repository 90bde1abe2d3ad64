import type { z } from 'zod'
import { nearest } from '../kernel/nearest.ts'
import { didYouMean } from './explain.ts'
import type { Problem } from './problem.ts'
import { ConfigSchema } from './schema.ts'
import { flagKey, flagName, SETTINGS, type Setting } from './settings.ts'
import { schemaAt } from './shape.ts'

/** Where a value came from; of two, the later one in this list wins. */
export const LAYERS = ['default', 'file', 'environment', 'flag'] as const
export type Layer = (typeof LAYERS)[number]

/** A value from outside the file. */
export interface Given {
  readonly setting: Setting
  readonly layer: 'environment' | 'flag'
  /** What the person wrote: `ALICIA_PORT`, `--port`. */
  readonly source: string
  readonly value: string | boolean
}

type Values = Readonly<Record<string, unknown>>

/** What flags and environment give, at most one for a key. An empty variable counts as absent, as Compose makes them. */
export function givenOutside(flags: Values, env: Readonly<Record<string, string | undefined>>): Map<string, Given> {
  const given = new Map<string, Given>()
  for (const setting of SETTINGS) {
    const fromFlag = setting.flag === undefined ? undefined : flags[flagKey(setting.flag)]
    const source = env[setting.env] || setting.sharedEnv === undefined ? setting.env : setting.sharedEnv
    const fromEnv = env[source]
    if (setting.flag !== undefined && (typeof fromFlag === 'string' || typeof fromFlag === 'boolean'))
      given.set(setting.key, { setting, layer: 'flag', source: flagName(setting.flag), value: fromFlag })
    else if (fromEnv) given.set(setting.key, { setting, layer: 'environment', source, value: fromEnv })
  }
  return given
}

/** A mistyped variable would otherwise be ignored without a word. */
export function unknownVariables(env: Readonly<Record<string, string | undefined>>): Problem[] {
  const known = SETTINGS.map((setting) => setting.env)
  return Object.keys(env)
    .filter((name) => name.startsWith('ALICIA_') && !known.some((env) => env === name))
    .sort()
    .map((name) => {
      const meant = nearest(
        name.slice('ALICIA_'.length),
        known.map((env) => env.slice('ALICIA_'.length)),
      )
      return { source: 'environment', text: `${name} is unknown${didYouMean(meant && `ALICIA_${meant}`)}` }
    })
}

/** The file's values with those of flags and environment laid over them. */
export function layOver(fileValue: unknown, given: Iterable<Given>): unknown {
  if (!isObject(fileValue)) return fileValue
  const merged = structuredClone(fileValue)
  for (const { setting, value } of given) {
    if (setting.key === 'config') continue
    const path = setting.key.split('.')
    const schema = schemaAt(ConfigSchema, path)
    place(merged, path, schema === undefined ? value : coerce(value, schema))
  }
  return merged
}

/** Where the file has something else than an object in the way, that is left to be complained about. */
function place(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path
  if (rest.length === 0) {
    target[key] = value
    return
  }
  const child = (target[key] ??= {})
  if (isObject(child)) place(child, rest, value)
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
}

/** Text as the type its key has; text that is none of it stays, for the schema to refuse. */
function coerce(value: string | boolean, schema: z.ZodType): unknown {
  if (typeof value === 'boolean') return value
  switch (schema.def.type) {
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value
    case 'boolean':
      return BOOLEANS[value.trim().toLowerCase()] ?? value
    case 'array':
      return value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
    default:
      return value
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
