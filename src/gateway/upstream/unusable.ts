import type { ServerReport } from '../../kernel/ports.ts'
import type { Provider } from '../../kernel/registry.ts'

/** A server that stands in the configuration and cannot be run as it is written there. */
export interface Unusable {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  /** Where it is wrong and how, as a sentence without its end. */
  readonly reason: string
}

type Known = Unusable & { readonly sinceMs: number }

/** It stays visible: a server that vanished would be searched for. */
export const unusableReport = ({ id, name, reason, sinceMs }: Known): ServerReport => ({
  id,
  name,
  status: 'unavailable',
  sinceMs,
  reason,
  state: 'failed',
  reached: '',
  needs: [],
  profiles: [],
  sharing: 'shared',
  connections: 0,
  tools: 0,
  prompts: 0,
  resources: 0,
  held: 0,
  restarts: 0,
  balance: 'round_robin',
  failovers: 0,
  replicas: [],
})

export const unusableProvider = (known: Known): Provider => ({
  id: known.id,
  kind: 'upstream',
  tools: [],
  report: () => ({ status: 'unavailable', sinceMs: known.sinceMs, reason: known.reason }),
})
