import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'

/** A definition for tests, with the defaults a user gets. */
export const definitionWith = (more: Partial<ServerDefinition>): ServerDefinition => ({
  id: 'up',
  name: 'up',
  enabled: true,
  replicas: [{ transport: { kind: 'stdio', command: 'true', args: [], env: {} }, weight: 1 }],
  balance: 'round_robin',
  profiles: [],
  denyTools: [],
  overrides: new Map(),
  startTimeoutMs: 30_000,
  patienceMs: 5000,
  concurrency: 64,
  queue: 256,
  start: 'eager',
  restart: { firstDelayMs: 10, mostDelayMs: 1000, mostAttempts: 5 },
  sharing: 'auto',
  mostConnections: 8,
  needs: [],
  roots: [],
  newTools: 'trust',
  changedTools: 'hold',
  secrets: [],
  fingerprint: 'test',
  ...more,
})
