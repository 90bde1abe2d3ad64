/** Something that came at a time, and takes room. */
export interface Timed {
  readonly atMs: number
  readonly bytes: number
}

/**
 * Keeps all while they fit, and then some that are spread evenly over time, in constant memory: time is cut into slots,
 * each keeps its first, and when there are too many the slots double. The first and the latest of all are always there.
 */
export interface Spread<T extends Timed> {
  /** Whether one that comes at this moment would be kept; asked before it is copied. */
  wants(atMs: number): boolean
  add(item: T): void
  items(): readonly T[]
  /** Makes room: about half of it goes. */
  thin(): void
  bytes(): number
}

export function createSpread<T extends Timed>(capacity: number): Spread<T> {
  let kept: T[] = []
  let slotMs = 0
  let slot = Number.NaN
  let bytes = 0

  const slotOf = (atMs: number) => (slotMs === 0 ? Number.NaN : Math.floor(atMs / slotMs))

  const thin = () => {
    const first = kept[0]?.atMs ?? 0
    const last = kept.at(-1)?.atMs ?? first
    slotMs = slotMs === 0 ? Math.max(1, (2 * (last - first)) / Math.max(kept.length, 1)) : slotMs * 2
    const before = kept.length
    kept = kept.filter((item, at) => at === 0 || slotOf(item.atMs) !== slotOf(kept[at - 1]?.atMs ?? 0))
    // All in one moment, or a clock that jumps: then every second.
    if (kept.length > before / 2 + 1) kept = kept.filter((_, at) => at % 2 === 0)
    slot = slotOf(last)
    bytes = kept.reduce((sum, item) => sum + item.bytes, 0)
  }

  return {
    wants: (atMs) => slotMs === 0 || slotOf(atMs) !== slot,
    add(item) {
      slot = slotOf(item.atMs)
      kept.push(item)
      bytes += item.bytes
      if (kept.length > capacity) thin()
    },
    items: () => kept,
    thin,
    bytes: () => bytes,
  }
}

/** So many of them, spread evenly, with the first and the last. */
export function pickEvenly<T>(items: readonly T[], count: number): T[] {
  if (count >= items.length) return [...items]
  if (count <= 0) return []
  const step = count === 1 ? 0 : (items.length - 1) / (count - 1)
  return Array.from({ length: count }, (_, at) => items[Math.round(at * step)]).filter((item) => item !== undefined)
}

/** Shares a number among groups: small ones get all they have, the rest is even. The order of the groups stays. */
export function fairShares(sizes: readonly number[], total: number): number[] {
  const shares = sizes.map(() => 0)
  const order = sizes.map((size, at) => ({ size, at })).sort((a, b) => a.size - b.size)
  let left = total
  for (const [done, { size, at }] of order.entries()) {
    const share = Math.min(size, Math.floor(left / (order.length - done)))
    shares[at] = share
    left -= share
  }
  // Fewer than the groups: one each, until there are none.
  return shares
}
