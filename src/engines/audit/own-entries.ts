import type { AuditEntry } from '../../kernel/audit.ts'

/** What the hub itself has to say about its audit. */
const ownEntry = (operation: string, atMs: number): AuditEntry => ({
  requestId: '',
  atMs,
  callerId: 'hub',
  via: 'internal',
  operation,
  provider: 'audit',
  effect: 'event',
  outcome: 'storage_failed',
  durationMs: 0,
})

/** So many entries could not be kept. */
export const lossOf = (count: number, atMs: number): AuditEntry => ({
  ...ownEntry('audit.lost', atMs),
  details: { count },
})

/** Entries that are not where the chain says they were. */
export const gapOf = ({ from, to }: { from: number; to: number }, atMs: number): AuditEntry => ({
  ...ownEntry('audit.gap', atMs),
  details: { count: to - from + 1, arguments: { from, to } },
})
