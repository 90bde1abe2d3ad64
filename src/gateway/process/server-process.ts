import type { Readable, Writable } from 'node:stream'

/** How a process ended. `reason` is a sentence for people: exit code or signal, and the last thing it said. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: string | null
  readonly reason: string
}

/** A server that runs as a child of the hub, in a process group of its own. */
export interface ServerProcess {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  /** Resolves when it has ended, whatever the cause. */
  readonly ended: Promise<ProcessEnd>
  /** Ends the whole group: closes its input, then SIGTERM, then SIGKILL. Resolves when it is gone. */
  stop(): Promise<void>
}
