/**
 * What a token or a person may do: `area:verb`, `area:*` or `*`, and after an `@` within what bounds:
 * `mqtt:write@room/kitchen`, `*@profile/kids`, `devices:*@device/lamp-1`, `*@operation/mqtt.list_topics`.
 * Several bounds hold together: `*@profile/kids@room/kitchen`.
 */
export interface Grant {
  /** `area:verb`, `area:*` or `*`. */
  readonly scope: string
  /** All of them hold; none: wherever. */
  readonly bounds: readonly Bound[]
}

export const BOUND_KINDS = ['operation', 'profile', 'room', 'device'] as const

/** A part of the hub or the home that a grant is limited to. */
export interface Bound {
  readonly kind: (typeof BOUND_KINDS)[number]
  readonly name: string
}

/** A grant as it is written; the name of a bound has no `@`, no space and no `/`. */
export const GRANT_PATTERN =
  /^(?:\*|[a-z][a-z0-9_-]*:(?:\*|[a-z][a-z0-9_-]*))(?:@(?:operation|profile|room|device)\/[^@/\s\p{Cc}]{1,64})*$/u

const parsed = new Map<string, Grant>()
const MOST_PARSED = 10_000

/** Whether the text is a grant at all. One that is none gives nothing. */
export const isGrant = (text: string): boolean => GRANT_PATTERN.test(text)

/** Throws TypeError for a text that is no grant. */
export function parseGrant(text: string): Grant {
  const known = parsed.get(text)
  if (known) return known
  if (!isGrant(text)) throw new TypeError(`${JSON.stringify(text)} is not a grant.`)
  const [scope = '', ...bounds] = text.split('@')
  const grant: Grant = { scope, bounds: bounds.map(parseBound) }
  if (parsed.size >= MOST_PARSED) parsed.clear()
  parsed.set(text, grant)
  return grant
}

function parseBound(text: string): Bound {
  const slash = text.indexOf('/')
  return { kind: text.slice(0, slash) as Bound['kind'], name: text.slice(slash + 1) }
}

/** Whether the scope of a grant includes the one that an operation wants. */
export function scopeCovers(granted: string, wanted: string): boolean {
  return granted === '*' || granted === wanted || (granted.endsWith(':*') && wanted.startsWith(granted.slice(0, -1)))
}

/** Whether these grants include that scope anywhere. `null` asks for nothing: it is open to whoever can reach the hub. */
export function mayUse(grants: readonly string[], wanted: string | null): boolean {
  return wanted === null || grants.some((grant) => !grant.includes('@') && scopeCovers(grant, wanted))
}

/** The bounds within which these grants include the scope, a list for each grant; what `mayUse` says yes to has none. */
export function boundsFor(grants: readonly string[], wanted: string): readonly (readonly Bound[])[] {
  return grants
    .filter((grant) => grant.includes('@') && isGrant(grant))
    .map(parseGrant)
    .filter(({ scope }) => scopeCovers(scope, wanted))
    .map(({ bounds }) => bounds)
}

/**
 * Whether whoever has these grants may hand that one on: it is among them, or lies within one. A bound more narrows.
 */
export function covers(grants: readonly string[], wanted: string): boolean {
  if (!isGrant(wanted)) return false
  const { scope, bounds } = parseGrant(wanted)
  return grants.filter(isGrant).some((text) => {
    const own = parseGrant(text)
    const isWithin = own.bounds.every((bound) =>
      bounds.some(({ kind, name }) => kind === bound.kind && name === bound.name),
    )
    return isWithin && scopeCovers(own.scope, scope)
  })
}

/** Each is compared with each, so of more than this those that others include stay: they say nothing new. */
const MOST_COMPARED = 300

/** What both lists of grants allow: for each two the narrower scope, within the bounds of both. */
export function intersect(some: readonly string[], others: readonly string[]): string[] {
  const counterparts = others.filter(isGrant)
  const met = some.filter(isGrant).flatMap((one) => counterparts.flatMap((other) => meet(one, other)))
  const found = [...new Set(met)]
  if (found.length > MOST_COMPARED) return found
  return found.filter((grant, at) => !found.some((other, index) => index !== at && covers([other], grant)))
}

function meet(one: string, other: string): string[] {
  const [a, b] = [parseGrant(one), parseGrant(other)]
  const scope = scopeCovers(a.scope, b.scope) ? b.scope : scopeCovers(b.scope, a.scope) ? a.scope : undefined
  if (scope === undefined) return []
  const bounds = new Set([...a.bounds, ...b.bounds].map(({ kind, name }) => `@${kind}/${name}`))
  return [scope + [...bounds].sort().join('')]
}
