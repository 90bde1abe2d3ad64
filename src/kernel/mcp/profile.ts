import type { Entry, Provider } from '../registry.ts'

/** A selection of what the hub offers, with an address of its own: `/mcp/<name>`. */
export interface Profile {
  readonly name: string
  /** Whether its clients may call this tool. */
  includes(entry: Entry): boolean
  /** Whether its clients get the prompts and resources of this provider, and may use its other methods. */
  includesProvider(provider: Provider): boolean
  /** Whether `tools/list` has every tool, or those that find and call the others; `auto`: whichever costs less. */
  readonly list: 'all' | 'search' | 'auto'
  /** Tools that stand in the list beside the search. Absent: none. */
  alwaysLists?(entry: Entry): boolean
  /** Tokens of one result above which it is kept and shown in parts; 0: never. Absent: what the hub's limits say. */
  readonly resultTokens?: number
}

/** What the configuration says there is. A profile that changed is another object. */
export interface Profiles {
  get(name: string): Profile | undefined
  names(): readonly string[]
}

/** What `/mcp` serves. */
export const EVERYTHING: Profile = {
  name: '',
  includes: () => true,
  includesProvider: () => true,
  list: 'auto',
}

export const NO_PROFILES: Profiles = { get: () => undefined, names: () => [] }
