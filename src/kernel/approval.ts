import type { Caller } from './caller.ts'
import type { Entry } from './registry.ts'
import type { CallContext } from './tool.ts'

/** Calls that wait for a person's yes. */
export interface Approvals {
  /** Whether this call has to wait. Each call asks, so it takes next to no time. */
  isNeeded(caller: Caller, entry: Entry): boolean
  /**
   * Resolves when somebody who may decide allowed it, to their caller id: the audit has it. Throws Fault `forbidden` when they refused, `timeout` when nobody said
   * anything, and the signal's reason when its caller went away.
   */
  ask(entry: Entry, input: unknown, context: CallContext): Promise<string>
  /** Ends all that wait, with Fault `stopping`, and takes no more. */
  close(): void
}
