import type { Caller } from './caller.ts'
import type { Log } from './log.ts'
import type { Described } from './mcp/described.ts'
import type { Peer } from './mcp/peer.ts'
import type { Rate } from './token-bucket.ts'
import type { Span } from './trace.ts'

/** A JSON Schema 2020-12 document. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/**
 * What a call does to the world. `read` changes nothing; `write` changes something that can be changed back;
 * `destructive` loses something. MCP annotations, retries and approval follow from it.
 */
export type Effect = 'read' | 'write' | 'destructive'

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** The operation's own REST address; `{name}` in the path is the input of that name. */
export interface Route {
  readonly method: HttpMethod
  readonly path: `/${string}`
}

/** A part of the home that a call touches: topics at the hub's own broker (a filter), a room, a device. */
export interface Touch {
  readonly kind: 'topics' | 'room' | 'device'
  readonly name: string
}

/** News from a call that is still running. `progress` grows with every report. */
export interface Progress {
  readonly progress: number
  readonly total?: number
  readonly message?: string
  /** A part of the result that is ready already, for callers that stream. */
  readonly data?: unknown
}

/** What a handler gets beside its input. */
export interface CallContext {
  /** Aborts when the caller goes away, the deadline passes or the hub stops. Hand it to every wait. */
  readonly signal: AbortSignal
  /** Adds the request id; what is logged here also reaches an MCP client that asked for log messages. */
  readonly log: Log
  readonly caller: Caller
  readonly requestId: string
  /** The MCP client that asks, where one does: what another MCP server answers goes to it unchanged. */
  readonly peer?: Peer | undefined
  /** The call in its trace; absent: nothing is traced. Calls made for its sake take its `traceparent` along. */
  readonly span?: Span | undefined
  /** Reports progress; cheap when nobody listens. */
  emit(progress: Progress): void
  /** Begins the time limit anew, of a tool with `progressExtends`: for news that goes another way than `emit`. */
  extend(): void
}

/**
 * The protocol-neutral form of something that can be called: an operation of Alicia's, or a tool of another MCP
 * server. Adapters see nothing else.
 */
export interface Tool {
  /** `service.verb_noun`, unique in the hub. */
  readonly name: string
  /** One sentence: REST summary, MCP description, command-line help. */
  readonly summary: string
  /** More, for whoever has to decide whether and how to call it. */
  readonly description?: string
  /** What the caller needs; `null` is open to anyone who can reach the hub. */
  readonly scope: string | null
  readonly effect: Effect
  /** Calling it twice with the same input is the same as calling it once. True of every read. */
  readonly idempotent: boolean
  /** It reaches beyond this hub (another broker, the internet). */
  readonly openWorld: boolean
  /** It reports its result in parts, while it runs. */
  readonly streams: boolean
  /** `false`: it can be found by name, and stands in no list. */
  readonly listed?: boolean
  /** `false`: MCP clients neither see nor call it. It takes or gives what no model should: a password, a token, a person's yes. */
  readonly forModels?: boolean
  /** It is for the user interface that its server brings (MCP Apps): models are not shown it, and it can be called by name. */
  readonly forAppAlone?: true
  /** The tool as another MCP server describes it; MCP clients get that, with the name the hub gives it. */
  readonly mcp?: Described
  readonly route?: Route
  readonly inputSchema: JsonSchema
  readonly outputSchema?: JsonSchema
  /** `run` rejects as soon as its signal aborts: nobody has to watch over that. */
  readonly heedsSignal?: true
  /** Progress shows that it is at work: each report begins its time limit anew. */
  readonly progressExtends?: boolean
  /**
   * What of the home it touches with this (parsed) input, for callers who may only touch some of it. Absent, or undefined: no
   * telling, so whoever is bound to a room or a device may not call it.
   */
  touches?(input: unknown): readonly Touch[] | undefined
  /**
   * All it does is to make another call for the same caller: bounds and approval are asked for there, where it is known what
   * is called.
   */
  readonly passesOn?: boolean
  /** How often one caller may call it; the configuration can say otherwise. Absent: as often as anything. */
  readonly rate?: Rate
  /** How long it may take for this (parsed) input, in milliseconds; absent: the hub's default. */
  timeoutMs?(input: unknown): number
  /** The input, checked and with defaults filled in. Throws Fault `invalid_input`. */
  parse(input: unknown): unknown
  /** Throws when a result is not what `outputSchema` promises. */
  checkOutput(output: unknown): void
  run(input: unknown, context: CallContext): Promise<unknown>
}

/** The name without its service, as users know it: `publish_message` of `mqtt.publish_message`. */
export function shortName(name: string): string {
  return name.slice(name.indexOf('.') + 1)
}
