/** Calls or probes in a row that must fail before a server counts as degraded: one failure says little. */
const FAILURES_UNTIL_SICK = 3
/** Probes in a row without an answer after which it is started again. */
const SILENCES_UNTIL_DEAD = 3

/** How well a server that is up does, judged by what its calls, its answers to probes and its memory say. */
export interface Wellness {
  /** Why it is not well; undefined while it is. */
  readonly reason: string | undefined
  /** Whether the latest sign of it was a bad one. */
  readonly isDoubtful: boolean
  /** A call failed in a way that may be the server's fault. Whether `reason` changed. */
  failed(reason: string): boolean
  /** A call or a probe was answered. Whether `reason` changed. */
  worked(): boolean
  /** A probe was not answered. Whether it must be taken for dead. */
  silent(): boolean
  /** It uses more memory than it may, and nothing is done about it any more; undefined: not so. Whether `reason` changed. */
  bloated(reason: string | undefined): boolean
}

export function createWellness(): Wellness {
  let failures = 0
  let silences = 0
  let failure: string | undefined
  let memory: string | undefined
  return {
    get reason() {
      return failure ?? memory
    },
    get isDoubtful() {
      return failures > 0
    },
    failed(reason) {
      failures++
      if (failures < FAILURES_UNTIL_SICK || failure === reason) return false
      failure = reason
      return true
    },
    worked() {
      failures = 0
      silences = 0
      const wasSick = failure !== undefined
      failure = undefined
      return wasSick
    },
    silent: () => ++silences >= SILENCES_UNTIL_DEAD,
    bloated(reason) {
      const isNew = memory !== reason
      memory = reason
      return isNew
    },
  }
}
