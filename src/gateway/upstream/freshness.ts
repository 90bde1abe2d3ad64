import { isObject } from '../../kernel/mcp/message.ts'
import { LISTS, type Lists } from './listed.ts'

/** However short a server lets its lists be kept: clients ask again and again. */
const SHORTEST_MS = 10_000
/** Of a server that neither says how long its lists may be kept nor announces changes. */
const UNSTATED_MS = 300_000

/**
 * For how many milliseconds lists are fresh after they were read. Stale ones are read anew when somebody asks for them, not by the
 * clock (2026-07-28, caching, "Freshness Calculation").
 */
export const freshForMs = ({ ttlMs, capabilities }: Lists): number =>
  Math.max(SHORTEST_MS, ttlMs ?? (announcesChanges(capabilities) ? Number.POSITIVE_INFINITY : UNSTATED_MS))

const announcesChanges = (capabilities: Lists['capabilities']): boolean =>
  Object.values(LISTS).every(({ capability }) => {
    const declared = capabilities[capability]
    return declared === undefined || (isObject(declared) && declared['listChanged'] === true)
  })
