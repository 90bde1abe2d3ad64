import type { Caller } from '../../kernel/caller.ts'

/** An HTTP request and the way back, as the MCP endpoint needs them; the HTTP server's own forms stay outside. */
export interface HttpExchange {
  readonly method: string
  /** Where the endpoint describes itself as a protected resource (RFC 9728). Absent: nowhere. */
  readonly metadataUrl?: string | undefined
  /** By lower-case name. */
  header(name: string): string | undefined
  query(name: string): string | undefined
  /** Throws Fault `unauthenticated` for a token that is wrong or missing. */
  authenticate(): Caller | Promise<Caller>
  /** The body as it came; undefined: there is none. Throws Fault `too_large`, `unsupported_media`, `invalid_request`. */
  body(): Promise<string | undefined>
  /** The whole answer. Does nothing when the client has left, or has an answer. */
  answer(status: number, headers: Readonly<Record<string, string>>, body?: string): void
  /** Begins an answer that goes on. */
  open(headers: Readonly<Record<string, string>>): Sink
  /** Tells when the client's connection ends before the answer is out. */
  onLeave(left: () => void): void
}

/** Where the text of an answer goes that goes on. */
export interface Sink {
  write(text: string): void
  /** Written, and not on its way yet. */
  readonly waitingBytes: number
  end(): void
  /** Ends the connection, whatever is still to be sent. */
  cut(): void
}
