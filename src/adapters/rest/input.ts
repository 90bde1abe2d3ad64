import { Fault } from '../../kernel/fault.ts'
import type { Tool } from '../../kernel/tool.ts'
import { coercionsOf, readQuery, type Coercions } from './query.ts'
import type { Match } from './routes.ts'

const known = new WeakMap<Tool, Coercions>()

function coercions(tool: Tool): Coercions {
  const made = known.get(tool) ?? coercionsOf(tool)
  known.set(tool, made)
  return made
}

/**
 * The input of a call out of its body, query and path. Throws Fault `invalid_input` for an unknown key of the query
 * and for an input that was given twice: whichever won, somebody would be surprised.
 */
export function mergeInput({ entry, inPath }: Match, query: string, body: unknown): unknown {
  const { tool } = entry
  const pathNames = Object.keys(inPath)
  if (query === '' && pathNames.length === 0) return body
  const fromPath = Object.fromEntries(
    pathNames.map((name) => [name, coercions(tool).get(name)?.([inPath[name] ?? '']) ?? inPath[name]]),
  )
  const fromQuery = query === '' ? {} : readQuery(query, tool, coercions(tool))
  if (body !== undefined && !isObject(body)) return body
  const twice =
    Object.keys(fromQuery).find((name) => Object.hasOwn(fromPath, name)) ??
    Object.keys({ ...fromPath, ...fromQuery }).find((name) => Object.hasOwn(body ?? {}, name))
  if (twice !== undefined)
    throw new Fault('invalid_input', `${tool.name}: ${twice} is given twice.`, {
      hint: 'Give it once: in the path, in the query or in the body.',
    })
  return { ...fromPath, ...fromQuery, ...body }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
