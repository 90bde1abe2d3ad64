import type { Trail, TrailEntry } from '../../kernel/trail.ts'
import type { AuditLog } from './audit-log.ts'
import type { Link } from './chain.ts'
import { VALUE_COLUMNS, type AuditRow } from './columns.ts'
import { lines } from './lines.ts'
import { count, entryOf, search } from './search.ts'
import { verify } from './verification.ts'

/** The audit, for those who read it. */
export const trailOf = (log: AuditLog): Trail => ({
  search: (filter, page, signal) => search(log.table, filter, page, signal),
  count: (filter, by, signal) => count(log.table, filter, by, signal),
  verify: (range, signal, onProgress) =>
    verify({
      table: log.table,
      signer: log.signer,
      heads: log.heads(),
      range,
      signal,
      ...(onProgress && { onProgress }),
    }),
  lines: (from, most) => lines({ table: log.table, signer: log.signer, heads: log.heads() }, from, most),
  follow: (listener) => log.onCommit((links) => listener(links.map(shown))),
})

const shown = ({ values, chain, seq, bytes, mac }: Link): TrailEntry =>
  entryOf({
    ...(Object.fromEntries(VALUE_COLUMNS.map((column, at) => [column, values[at]])) as unknown as AuditRow),
    chain,
    seq,
    bytes,
    mac,
  })
