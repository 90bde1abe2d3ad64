import type { AuditDetails } from './audit.ts'

/** An entry of the audit as it is read. */
export interface TrailEntry {
  /** Wall-clock milliseconds. */
  readonly atMs: number
  readonly requestId: string
  readonly callerId: string
  readonly callerName?: string
  readonly person?: string
  readonly credential?: string
  readonly role?: string
  readonly via: string
  readonly address?: string
  readonly operation: string
  readonly provider: string
  readonly effect: string
  readonly outcome: string
  readonly durationMs: number
  readonly traceId?: string
  readonly details?: AuditDetails
  /** The chain it stands in, and where; absent in entries that are older than the chain. */
  readonly chain?: string
  readonly seq?: number
}

/** All that are given have to match. Texts are compared whole; `operation` may end in `*`. */
export interface TrailFilter {
  /** Id or name of the caller. */
  readonly caller?: string
  readonly person?: string
  readonly operation?: string
  readonly provider?: string
  readonly effect?: string
  /** `failed`: whatever is not `ok`. */
  readonly outcome?: string
  readonly address?: string
  /** The call with this id, and those made for its sake. */
  readonly requestId?: string
  /** Wall-clock milliseconds; from `fromMs` on, before `toMs`. */
  readonly fromMs?: number
  readonly toMs?: number
  /** Somewhere in names, ids, address or details; upper and lower case alike. */
  readonly text?: string
}

export interface TrailPage {
  /** The newest first. */
  readonly entries: readonly TrailEntry[]
  /** Where the next page begins; absent: there is no more. */
  readonly cursor?: string
}

export const COUNTED_BY = ['operation', 'caller', 'person', 'provider', 'outcome', 'effect', 'via', 'address'] as const
export type CountedBy = (typeof COUNTED_BY)[number]

export interface TrailCount {
  readonly count: number
  /** The most frequent first, so many at most; calls that an entry counts together count. */
  readonly groups: readonly { readonly of: string; readonly count: number; readonly failed: number }[]
}

/** What is wrong with a chain, from the first entry that is not as it was signed. */
export interface ChainProblem {
  /**
   * `cut_off`: entries are missing at the end, or the database is an older one. `replaced`: an entry is signed, and is not what
   * was noted outside the database. `unknown_key`: signed with a key that is not there. `anchor`: what says where pruning ended
   * was changed.
   */
  readonly is: 'changed' | 'removed' | 'inserted' | 'reordered' | 'cut_off' | 'replaced' | 'unknown_key' | 'anchor'
  readonly seq: number
  /** The last of several. */
  readonly toSeq?: number
}

export interface ChainReport {
  readonly chain: string
  /** Whether it is one of this hub's own; the end of another's cannot be known here. */
  readonly isOwn: boolean
  readonly entries: number
  /** The first and last that were looked at. */
  readonly firstSeq?: number
  readonly lastSeq?: number
  readonly lastMac?: string
  /** Everything up to here was pruned. */
  readonly prunedSeq: number
  /** Entries after the end that is noted outside the database: it is noted once a second, and a hub that is killed writes on until then. */
  readonly unnoted: number
  /** All of it is signed with keys that are not here, another hub's: nothing can be said of it. */
  readonly isForeign: boolean
  /** In the order of their places, the first ones. */
  readonly problems: readonly ChainProblem[]
  readonly problemCount: number
}

export interface TrailReport {
  readonly isSound: boolean
  readonly chains: readonly ChainReport[]
  /** Entries from before there was a chain: nothing can be said of them. */
  readonly beforeChain: number
  /** Entries that stand in no chain, though there was one already: somebody put them there. */
  readonly strays: number
}

/** A line of an export: what it takes to verify it elsewhere. */
export type TrailLine = Readonly<Record<string, string | number | null>>

/** The audit, for those who read it. */
export interface Trail {
  search(
    filter: TrailFilter,
    page: { readonly most: number; readonly cursor?: string },
    signal: AbortSignal,
  ): Promise<TrailPage>
  count(filter: TrailFilter, by: CountedBy | undefined, signal: AbortSignal): Promise<TrailCount>
  /** Looks at every entry, in bounded memory. `done`: entries so far. */
  verify(
    range: Pick<TrailFilter, 'fromMs' | 'toMs'>,
    signal: AbortSignal,
    onProgress?: (done: number) => void,
  ): Promise<TrailReport>
  /** All chains with their entries, from a place on; `next` is the place for the rest. Throws Fault `invalid_input` for a place that is none. */
  lines(
    from: string | undefined,
    most: number,
  ): Promise<{ readonly lines: readonly TrailLine[]; readonly next?: string }>
  /** Told of what is written from now on; returns what ends that. */
  follow(listener: (entries: readonly TrailEntry[]) => void): () => void
}
