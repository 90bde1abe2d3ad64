import { Fault } from '../../kernel/fault.ts'
import { nearest } from '../../kernel/nearest.ts'
import type { Entry } from '../../kernel/registry.ts'
import type { HttpMethod } from '../../kernel/tool.ts'

/** One REST address of an operation. */
export interface Address {
  readonly entry: Entry
  readonly method: HttpMethod
  /** With `{name}` where the path takes the input of that name. */
  readonly path: string
}

export interface Match {
  readonly entry: Entry
  /** The inputs that stand in the path. */
  readonly inPath: Readonly<Record<string, string>>
}

export interface Routes {
  /** Throws Fault `not_found`, which names the nearest path, or `method_not_allowed`. */
  match(method: string, path: string): Match
}

/** The address that every operation has, whether or not it also has its own. */
export function plainAddress(entry: Entry): Address {
  const [service = '', ...rest] = entry.tool.name.split('.')
  return { entry, method: 'POST', path: `/api/${encodeURIComponent(service)}/${encodeURIComponent(rest.join('.'))}` }
}

/** The address to tell people: the operation's own, where it has one. */
export function preferredAddress(entry: Entry): Address {
  return entry.tool.route ? { entry, ...entry.tool.route } : plainAddress(entry)
}

/** What stands at one path: an operation a method. */
interface Place {
  readonly segments: readonly string[]
  readonly operations: Map<string, Entry>
}

/**
 * The table of addresses. Hono's own router takes what was added first; here `/devices/commands` wins over
 * `/devices/{id}` in any order, because services come and go.
 */
export function createRoutes(
  entries: readonly Entry[],
  fixedPaths: readonly string[],
  unheard: () => string | undefined = () => undefined,
): Routes {
  const places = new Map<string, Place>()
  const add = ({ entry, method, path }: Address) => {
    const place = places.get(path) ?? { segments: path.split('/'), operations: new Map<string, Entry>() }
    if (!place.operations.has(method)) place.operations.set(method, entry)
    places.set(path, place)
  }
  for (const entry of entries) add(preferredAddress(entry))
  for (const entry of entries) if (entry.tool.route) add(plainAddress(entry))
  const patterns = [...places.values()].filter(({ segments }) => segments.some(isInput)).sort(bySpecificity)
  /** The places that a path leads to, the most specific first. */
  function* placesAt(path: string) {
    const place = places.get(path)
    if (place) yield { place, inPath: NOTHING }
    const segments = path.split('/')
    for (const pattern of patterns) {
      const inPath = inputsIn(segments, pattern.segments)
      if (inPath) yield { place: pattern, inPath }
    }
  }
  return {
    match(method, rawPath) {
      const path = rawPath.includes('%') ? canonical(rawPath) : rawPath
      const taken: string[] = []
      for (const { place, inPath } of placesAt(path)) {
        const entry = place.operations.get(method === 'HEAD' ? 'GET' : method)
        if (entry) return { entry, inPath }
        taken.push(...place.operations.keys())
      }
      if (taken.length === 0) throw unknownPath(path, [...places.keys(), ...fixedPaths], unheard())
      throw wrongMethod(method, path, taken)
    },
  }
}

const NOTHING: Readonly<Record<string, string>> = Object.freeze({})

const isInput = (segment: string) => segment.startsWith('{') && segment.endsWith('}')

/** Those with fewer inputs first; then by path, so that the order never depends on who registered first. */
function bySpecificity(a: Place, b: Place): number {
  const inputs = (place: Place) => place.segments.filter(isInput).length
  return inputs(a) - inputs(b) || (a.segments.join('/') < b.segments.join('/') ? -1 : 1)
}

function inputsIn(segments: readonly string[], pattern: readonly string[]): Record<string, string> | undefined {
  if (segments.length !== pattern.length) return undefined
  const inputs: Record<string, string> = {}
  for (const [index, wanted] of pattern.entries()) {
    const segment = segments[index] ?? ''
    if (wanted === segment) continue
    if (!isInput(wanted) || segment === '') return undefined
    inputs[wanted.slice(1, -1)] = decodeURIComponent(segment)
  }
  return inputs
}

/** `%41` is `A` (RFC 3986, 6.2.2.2): both have to find the same place. */
function canonical(path: string): string {
  try {
    return path
      .split('/')
      .map((segment) => encodeURIComponent(decodeURIComponent(segment)))
      .join('/')
  } catch (cause) {
    throw new Fault('invalid_request', 'The path is not validly percent-encoded.', { cause })
  }
}

function unknownPath(path: string, known: readonly string[], unheard: string | undefined): Fault {
  const shown = path.slice(0, 200)
  const meant = nearest(shown, known)
  return new Fault('not_found', `There is nothing at ${shown}.`, {
    hint: [
      meant === undefined ? 'GET /api lists the operations; / is the API page.' : `Did you mean ${meant}?`,
      unheard,
    ]
      .filter(Boolean)
      .join(' '),
  })
}

function wrongMethod(method: string, path: string, allow: readonly string[]): Fault {
  const methods = [...new Set(allow.includes('GET') ? [...allow, 'HEAD'] : allow)].sort()
  return new Fault('method_not_allowed', `${path} does not take ${method}.`, {
    hint: `It takes ${methods.join(', ')}.`,
    details: { allow: methods },
  })
}
