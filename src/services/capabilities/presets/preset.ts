import type { ProviderDefinition } from '../definition.ts'

/** How servers of one kind are recognised, and what they can do under a common name. */
export interface Preset {
  /** `filesystem`, `speech` … */
  readonly kind: string
  /** The server it was written for. */
  readonly server: string
  /** `run`: its tools were listed and called. `source`: its published source was read; `tools` of other versions may differ. */
  readonly known: 'run' | 'source'
  /** A server that has all of these is one of this kind. */
  readonly tools: readonly string[]
  /** By the capability's name; where the server lacks the tool, it does not offer that. */
  readonly offers: Readonly<Record<string, ProviderDefinition>>
}
