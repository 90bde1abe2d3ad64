import { payloadOf, type Received } from '../message.ts'
import { createSpread, fairShares, pickEvenly, type Spread } from './spread.ts'

/**
 * What a message tells: an error; members that no message had before; other words than its topic had last; other
 * numbers; nothing new. In the order in which they are kept.
 */
export type MessageClass = 'error' | 'structure' | 'change' | 'value' | 'repeat'

/** A message that was kept. */
export interface Sample {
  /** Its number in the order of arrival, from 1. */
  readonly seq: number
  readonly kind: MessageClass
  readonly atMs: number
  readonly received: Received
  readonly bytes: number
}

export interface Offer {
  readonly seq: number
  readonly kind: MessageClass
  /** Of errors: what those of one sort share. */
  readonly sort: string
  readonly received: Received
}

/** Where the most telling messages are kept, in constant memory, however many are offered. */
export interface Shelf {
  offer(offer: Offer, maxPayloadBytes: number): void
  /**
   * The best so many, the most telling first: every error, or where they do not fit a fair share of each sort; the first
   * and the last of all; each structure; changes of words; then what spreads evenly over time.
   */
  best(count: number): Sample[]
}

/** More sorts of errors than this are one. */
const MOST_SORTS = 200
const OTHER = 'other'
/** About what a message costs beside its payload. */
const MESSAGE_BYTES = 400

export function createShelf({ capacity, maxBytes }: { capacity: number; maxBytes: number }): Shelf {
  const errors = new Map<string, Spread<Sample>>()
  const structures = createSpread<Sample>(capacity)
  const changes = createSpread<Sample>(capacity)
  // Twice: thinned out, there are still enough.
  const time = createSpread<Sample>(2 * capacity)
  let first: Sample | undefined
  let last: Offer | undefined

  const errorsOf = (sort: string): Spread<Sample> => {
    const known = errors.get(sort)
    if (known) return known
    if (errors.size >= MOST_SORTS && sort !== OTHER) return errorsOf(OTHER)
    const made = createSpread<Sample>(capacity)
    errors.set(sort, made)
    return made
  }

  const placesOf = ({ kind, sort }: Offer): Spread<Sample>[] => {
    if (kind === 'error') return [errorsOf(sort), time]
    if (kind === 'structure') return [structures, time]
    return kind === 'change' ? [changes, time] : [time]
  }

  /** Errors of all sorts share one room; so do the bytes of everything. */
  const thin = () => {
    const sum = (spreads: readonly Spread<Sample>[], of: (spread: Spread<Sample>) => number) =>
      spreads.reduce((total, spread) => total + of(spread), 0)
    const largest = (spreads: readonly Spread<Sample>[], of: (spread: Spread<Sample>) => number) =>
      spreads.reduce((most, spread) => (of(spread) > of(most) ? spread : most))
    const sorts = [...errors.values()]
    const count = (spread: Spread<Sample>) => spread.items().length
    while (sum(sorts, count) > 2 * capacity && count(largest(sorts, count)) > 1) largest(sorts, count).thin()
    const all = [...sorts, structures, changes, time]
    const bytes = (spread: Spread<Sample>) => spread.bytes()
    while (sum(all, bytes) > maxBytes && count(largest(all, bytes)) > 1) largest(all, bytes).thin()
  }

  let sinceThinned = 0

  return {
    offer(offer, maxPayloadBytes) {
      const { atMs } = offer.received
      last = offer
      const places = placesOf(offer).filter((place) => place.wants(atMs))
      if (places.length === 0) return
      const sample = sampleOf(offer, maxPayloadBytes)
      first ??= sample
      for (const place of places) place.add(sample)
      sinceThinned += sample.bytes
      if (sinceThinned < maxBytes / 64 && offer.kind !== 'error') return
      sinceThinned = 0
      thin()
    },
    best(count) {
      const chosen = new Map<number, Sample>()
      const choose = (samples: readonly Sample[]) => {
        const fresh = samples.filter(({ seq }) => !chosen.has(seq))
        for (const sample of pickEvenly(fresh, count - chosen.size)) chosen.set(sample.seq, sample)
      }
      const sorts = [...errors.values()].map((spread) => spread.items())
      const shares = fairShares(
        sorts.map(({ length }) => length),
        count,
      )
      choose(sorts.flatMap((samples, at) => pickEvenly(samples, shares[at] ?? 0)))
      const ends = [first, last && sampleOf(last, payloadOf(last.received.packet).length)]
      choose(ends.filter((sample) => sample !== undefined))
      for (const spread of [structures, changes, time]) choose(spread.items())
      return [...chosen.values()]
    },
  }
}

function sampleOf({ seq, kind, received: { packet, atMs } }: Offer, maxPayloadBytes: number): Sample {
  const payload = payloadOf(packet)
  // A copy: a slice would keep the whole chunk that the socket delivered. Some bytes more than are shown, so that it
  // still shows that there were more.
  const head = Buffer.from(payload.subarray(0, maxPayloadBytes + 4))
  const bytes = head.length + packet.topic.length + MESSAGE_BYTES
  return { seq, kind, atMs, bytes, received: { packet: { ...packet, payload: head }, atMs, size: payload.length } }
}
