import type { ChainProblem } from '../../kernel/trail.ts'
import type { ChainSigner, Head, Link } from './chain.ts'

export interface ChainFindings {
  readonly entries: number
  readonly firstSeq?: number
  readonly lastSeq?: number
  readonly lastMac?: string
  readonly unnoted: number
  readonly isForeign: boolean
  readonly problems: readonly ChainProblem[]
  readonly problemCount: number
}

/** An entry that is not signed as it should be, or with a key that is not there. */
interface Doubtful {
  readonly link: Link
  readonly mac: string
  readonly isUnknown: boolean
}

/** Problems that are told one by one; the rest is counted. */
const MOST_TOLD = 20
/** How many places an entry may have moved up and still be recognised as one before which others were removed. */
const FURTHEST_MOVED = 20

/**
 * Checks a chain entry by entry, as they come in the order of their places. An entry that is not as it was signed is judged
 * by the one after it: that tells whether it was changed, or stands where another stood.
 */
export class ChainCheck {
  readonly #signer: ChainSigner
  readonly #noted: Head | undefined
  readonly #problems: ChainProblem[] = []
  #problemCount = 0
  #entries = 0
  #unknown = 0
  #firstUnknown: number | undefined
  #firstSeq: number | undefined
  #last: Link | undefined
  /** The place that comes next, and the mac before it: undefined where what was before it is gone. */
  #nextSeq: number
  #mac: string | undefined
  /** By how much the places that follow were changed by whoever put an entry in between, or took some out. */
  #shift = 0
  #doubtful: Doubtful | undefined

  /** `after`: where the check begins; `noted`: what is known from outside the database of the end. */
  constructor(signer: ChainSigner, after: Pick<Head, 'seq' | 'mac'>, noted?: Head) {
    this.#signer = signer
    this.#noted = noted
    this.#nextSeq = after.seq + 1
    this.#mac = after.mac
  }

  add(link: Link): void {
    this.#entries++
    this.#firstSeq ??= link.seq
    if (this.#doubtful && this.#judge(this.#doubtful, link)) return
    if (link.seq < this.#nextSeq || !Number.isSafeInteger(link.seq))
      return this.#tell({ is: 'inserted', seq: link.seq })
    if (link.seq > this.#nextSeq) {
      this.#tell({ is: 'removed', seq: this.#nextSeq, ...(link.seq - 1 > this.#nextSeq && { toSeq: link.seq - 1 }) })
      // What it is signed over is gone with them.
      return this.#accept(link)
    }
    const mac = this.#mac ?? ''
    const verdict = this.#signer.check(this.#shifted(link), mac)
    if (verdict !== 'good') this.#doubtful = { link, mac, isUnknown: verdict === 'unknown_key' }
    this.#accept(link)
  }

  end(): ChainFindings {
    if (this.#doubtful) this.#judge(this.#doubtful, undefined)
    const lastSeq = this.#nextSeq - 1
    const noted = this.#noted
    if (noted && noted.seq > lastSeq)
      this.#tell({ is: 'cut_off', seq: lastSeq + 1, ...(noted.seq > lastSeq + 1 && { toSeq: noted.seq }) })
    const isForeign = this.#entries > 0 && this.#unknown === this.#entries && !noted
    if (this.#unknown > 0 && !isForeign) this.#tell({ is: 'unknown_key', seq: this.#firstUnknown ?? 0 })
    return {
      entries: this.#entries,
      ...(this.#firstSeq !== undefined && { firstSeq: this.#firstSeq }),
      ...(this.#last && { lastSeq: this.#last.seq, lastMac: this.#last.mac }),
      unnoted: noted ? Math.max(0, lastSeq - noted.seq) : 0,
      isForeign,
      problems: this.#problems.sort((a, b) => a.seq - b.seq),
      problemCount: this.#problemCount,
    }
  }

  #accept(link: Link): void {
    if (this.#noted?.seq === link.seq && this.#noted.mac !== link.mac) this.#tell({ is: 'replaced', seq: link.seq })
    this.#nextSeq = link.seq + 1
    this.#mac = link.mac
    this.#last = link
  }

  #shifted(link: Link): Link {
    return this.#shift === 0 ? link : { ...link, seq: link.seq + this.#shift }
  }

  #isGood(link: Link, seq: number, mac: string): boolean {
    return this.#signer.check({ ...link, seq: seq + this.#shift }, mac) === 'good'
  }

  /** Says what is wrong with an entry; whether `next` is dealt with by that. */
  #judge({ link, mac, isUnknown }: Doubtful, next: Link | undefined): boolean {
    this.#doubtful = undefined
    if (isUnknown) return this.#judgeUnknown(link, mac, next)
    if (next && this.#isGood(next, link.seq, mac)) {
      // The next one belongs here. Either the two changed places, or this one was put before it.
      if (this.#isGood(link, link.seq + 1, next.mac)) {
        this.#tell({ is: 'reordered', seq: link.seq, toSeq: next.seq })
        this.#accept(next)
        this.#mac = link.mac
        return true
      }
      this.#tell({ is: 'inserted', seq: link.seq })
      this.#shift -= next.seq - link.seq
      this.#accept(next)
      return true
    }
    const moved = next ? this.#movedBy(link, next) : 0
    if (moved > 0) {
      this.#tell({ is: 'removed', seq: link.seq })
      this.#shift += moved
      return false
    }
    this.#tell({ is: 'changed', seq: link.seq })
    this.#repair(link, mac, next)
    return false
  }

  /** Signed with a key that is not there, or with its mac changed so that it seems to be. */
  #judgeUnknown(link: Link, mac: string, next: Link | undefined): boolean {
    if (this.#repair(link, mac, next)) this.#tell({ is: 'changed', seq: link.seq })
    else {
      this.#unknown++
      this.#firstUnknown ??= link.seq
    }
    return false
  }

  /** It may be the mac alone that was changed: then the next is signed over the true one. */
  #repair(link: Link, mac: string, next: Link | undefined): boolean {
    const truth = this.#signer.macAs(this.#shifted(link), mac)
    const isRepaired = next !== undefined && truth !== undefined && this.#isGood(next, next.seq, truth)
    if (isRepaired) this.#mac = truth
    return isRepaired
  }

  /** By how many places `next` was moved up together with `link`, to close a gap; 0: it was not. */
  #movedBy(link: Link, next: Link): number {
    for (let by = 1; by <= FURTHEST_MOVED; by++) if (this.#isGood(next, next.seq + by, link.mac)) return by
    return 0
  }

  #tell(problem: ChainProblem): void {
    this.#problemCount++
    if (this.#problems.length < MOST_TOLD) this.#problems.push(problem)
  }
}
