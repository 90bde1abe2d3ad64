import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'

/** A list as it was at one moment, for callers that turn its pages. */
export interface Snapshots<Item, Head> {
  /** The first page of a new list; `head` is what every page says beside its items. */
  first(owner: string, list: { items: readonly Item[]; head: Head }, limit: number): Page<Item, Head>
  /** Throws Fault `invalid_input` for a cursor that is not one, not this owner's or too old. */
  next(owner: string, cursor: string, limit: number): Page<Item, Head>
}

export interface Page<Item, Head> {
  readonly items: readonly Item[]
  readonly head: Head
  readonly total: number
  /** Absent on the last page. */
  readonly cursor?: string
}

/** How long the pages of a list can be turned, milliseconds, and how many lists are kept for it. */
const KEEP_MS = 600_000
const KEEP_LISTS = 20

export function createSnapshots<Item, Head>(clock: Clock): Snapshots<Item, Head> {
  const kept = new Map<string, { owner: string; items: readonly Item[]; head: Head; atMs: number }>()

  const page = (id: string, offset: number, limit: number): Page<Item, Head> => {
    const list = kept.get(id)
    if (!list) throw unknownCursor()
    const end = offset + limit
    const items = list.items.slice(offset, end)
    const more = end < list.items.length
    return { items, head: list.head, total: list.items.length, ...(more && { cursor: `${id}.${end}` }) }
  }

  const forgetOld = (room: number) => {
    for (const [id, { atMs }] of kept)
      if (kept.size > KEEP_LISTS - room || clock.monotonic() - atMs > KEEP_MS) kept.delete(id)
  }

  return {
    first(owner, { items, head }, limit) {
      forgetOld(1)
      const id = crypto.randomUUID()
      kept.set(id, { owner, items, head, atMs: clock.monotonic() })
      return page(id, 0, limit)
    },
    next(owner, cursor, limit) {
      forgetOld(0)
      const [id = '', offset = ''] = cursor.split('.')
      if (kept.get(id)?.owner !== owner || !/^\d{1,9}$/.test(offset)) throw unknownCursor()
      return page(id, Number(offset), limit)
    },
  }
}

const unknownCursor = () =>
  new Fault('invalid_input', 'cursor: it belongs to no list that is still kept.', {
    hint: 'Lists are kept for 10 minutes; call again without cursor.',
  })
