import type { Caller } from '../../kernel/caller.ts'
import type { Entry } from '../../kernel/registry.ts'
import { toolHash } from './face.ts'

/** A yes that holds for a while: the same caller, with the same credential, for the same operation as it is described now. */
export interface Allowance {
  /** Of the call that it was said to. */
  readonly id: string
  readonly caller: Caller
  readonly approver: Caller
  readonly operation: string
  readonly hash: string
  /** Wall-clock milliseconds. */
  readonly untilMs: number
}

export interface Allowances {
  add(allowance: Allowance): void
  /** The one that covers this call, if any. */
  find(caller: Caller, entry: Entry, nowMs: number): Allowance | undefined
  list(nowMs: number): readonly Allowance[]
  /** Ends those that it is true of; returns how many. */
  end(which: (allowance: Allowance) => boolean): number
}

/** The oldest make room: a hub that forgets one asks once more. */
const MOST = 100

export function createAllowances(): Allowances {
  let known: readonly Allowance[] = []
  return {
    add(allowance) {
      known = [...known.slice(1 - MOST), allowance]
    },
    find: (caller, { tool }, nowMs) =>
      known.find(
        (one) =>
          one.untilMs > nowMs &&
          one.operation === tool.name &&
          one.caller.id === caller.id &&
          one.caller.credential === caller.credential &&
          one.hash === toolHash(tool),
      ),
    list: (nowMs) => known.filter(({ untilMs }) => untilMs > nowMs),
    end(which) {
      const before = known.length
      known = known.filter((one) => !which(one))
      return before - known.length
    },
  }
}
