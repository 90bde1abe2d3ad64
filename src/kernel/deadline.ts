import type { Clock } from './clock.ts'
import type { Fault } from './fault.ts'
import { Patience, Waiting } from './patience.ts'
import type { Tool } from './tool.ts'

/** Times a call may be given its limit anew by progress: one that reports for ever still ends. */
const MOST_EXTENSIONS = 20

/** Different limits that share timers; callers can ask for any. */
const MOST_LINES = 64

/** The deadlines of all calls: those of one length end in the order they began, and share a timer. */
export class Deadlines {
  readonly clock: Clock
  /** The fault of a call that took longer, in milliseconds. */
  readonly late: (tool: Tool, limitMs: number) => Fault
  readonly #lines = new Map<number, Patience>()

  constructor(clock: Clock, late: (tool: Tool, limitMs: number) => Fault) {
    this.clock = clock
    this.late = late
  }

  /** Where deadlines of this length wait. */
  line(limitMs: number): Patience {
    const known = this.#lines.get(limitMs)
    if (known) return known
    if (this.#lines.size >= MOST_LINES) return new Patience(this.clock, limitMs)
    const line = new Patience(this.clock, limitMs, () => void this.#lines.delete(limitMs))
    this.#lines.set(limitMs, line)
    return line
  }
}

/** The time limit of one call, which progress may begin anew. */
export class Deadline extends Waiting {
  readonly #deadlines: Deadlines
  readonly #controller: AbortController
  readonly #tool: Tool
  #limitMs = 0
  #beganAtMs = 0
  #endsAtMs = 0
  #line: Patience | undefined
  #cancel: (() => void) | undefined

  /** Aborts the controller of a call of that tool. */
  constructor(deadlines: Deadlines, controller: AbortController, tool: Tool) {
    super()
    this.#deadlines = deadlines
    this.#controller = controller
    this.#tool = tool
  }

  /** From that moment of the monotonic clock on; absent: from now. */
  begin(limitMs: number, nowMs?: number): void {
    this.#limitMs = limitMs
    this.#line = this.#deadlines.line(limitMs)
    this.#line.begin(this, nowMs)
    this.#beganAtMs = this.sinceMs
    this.#endsAtMs = this.sinceMs + limitMs
  }

  /** Begins the limit anew. Cheap: the timer finds out when it fires. */
  extend(): void {
    const mostMs = this.#beganAtMs + this.#limitMs * MOST_EXTENSIONS
    this.#endsAtMs = Math.min(this.#deadlines.clock.monotonic() + this.#limitMs, mostMs)
  }

  end(): void {
    this.#line?.end(this)
    this.#line = undefined
    this.#cancel?.()
    this.#cancel = undefined
  }

  override lose(): void {
    this.#line = undefined
    const restMs = this.#endsAtMs - this.#deadlines.clock.monotonic()
    if (restMs > 0) this.#cancel = this.#deadlines.clock.after(restMs, () => this.lose())
    else this.#controller.abort(this.#deadlines.late(this.#tool, this.#limitMs))
  }
}
