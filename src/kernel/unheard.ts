import type { StatusReport } from './status.ts'

interface Provider {
  readonly id: string
  readonly kind: 'service' | 'upstream' | 'bus'
  readonly tools: readonly unknown[]
  report(): StatusReport
}

const MOST_NAMED = 3

/**
 * A hint for who asks for a tool that nobody has: it may be one of a server that has not been up yet. By name only: why
 * it is down is for those who may ask for it. Undefined: there is no such server.
 */
export function unheardHint(providers: Iterable<Provider>): string | undefined {
  const ids = [...providers]
    .filter(isUnheard)
    .map(({ id }) => id)
    .sort()
  const rest = ids.length - MOST_NAMED
  const named = rest > 1 ? [...ids.slice(0, MOST_NAMED), `${rest} more`] : ids
  if (named.length === 0) return undefined
  if (named.length === 1) return `${named[0]} is still starting or down: its tools are not known yet.`
  const all = `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`
  return `${all} are still starting or down: their tools are not known yet.`
}

/** What was up once is remembered with its tools. */
const isUnheard = (provider: Provider): boolean =>
  provider.kind !== 'service' && provider.tools.length === 0 && provider.report().status !== 'available'
