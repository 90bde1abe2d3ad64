import type { Caller } from './caller.ts'
import type { Entry } from './registry.ts'
import type { CallContext } from './tool.ts'

/** A call that somebody allowed. */
export interface Approved {
  /** The caller id of whoever did: the audit has it. */
  readonly by: string
  /** With which it runs: what another server gets is what was shown, and nothing that only its client's text says. */
  readonly context: CallContext
  /** It ran, with this outcome: it may go on later, and is the same call then. */
  ended(output: unknown): void
}

/** Calls that wait for a person's yes. */
export interface Approvals {
  /** Whether this call has to wait. Each call asks, so it takes next to no time. */
  isNeeded(caller: Caller, entry: Entry): boolean
  /**
   * Resolves when somebody who may decide allowed it. Throws Fault `forbidden` when they refused, `timeout` when nobody said
   * anything, and the signal's reason when its caller went away.
   */
  ask(entry: Entry, input: unknown, context: CallContext): Promise<Approved>
  /** Ends all that wait, with Fault `stopping`, and takes no more. */
  close(): void
}
