import type { Effect } from '../tool.ts'

/** How a server is reached. Every reference (`${VAR}`, `${input:id}`) is resolved already. */
export type Transport =
  | {
      readonly kind: 'stdio'
      readonly command: string
      readonly args: readonly string[]
      /** Added to a small, safe part of the hub's own environment. */
      readonly env: Readonly<Record<string, string>>
      readonly cwd?: string
    }
  | {
      readonly kind: 'http'
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
      /** `auto` tries Streamable HTTP first and the old HTTP+SSE where that is refused. */
      readonly mode: 'auto' | 'streamable' | 'sse'
    }
  | { readonly kind: 'websocket'; readonly url: string; readonly headers: Readonly<Record<string, string>> }

/** How the hub logs in at a protected server; what is absent is discovered or asked for. */
export interface OAuthDefinition {
  readonly grant: 'authorization_code' | 'client_credentials'
  readonly clientId?: string
  readonly clientSecret?: string
  /** HTTPS address of a client metadata document (CIMD) that somebody hosts. */
  readonly clientMetadataUrl?: string
  readonly scopes?: readonly string[]
  /** Discovery may ask addresses of the home's own network. */
  readonly allowPrivateAddresses: boolean
}

/** What the hub changes about one tool before it offers it. */
export interface ToolOverride {
  readonly name?: string
  readonly description?: string
  /** Always sent with these values; callers neither see nor set them. */
  readonly arguments?: Readonly<Record<string, unknown>>
  /** What the tool does, where its own annotations don't say. */
  readonly effect?: Effect
  readonly idempotent?: boolean
  readonly timeoutMs?: number
}

/** Delays between attempts to start again; after `mostAttempts` in a row it has failed until somebody asks. */
export interface RestartPolicy {
  readonly firstDelayMs: number
  readonly mostDelayMs: number
  readonly mostAttempts: number
}

/** One of several equal servers. */
export interface Replica {
  readonly transport: Transport
  /** Share of calls with `weighted`, from 1. */
  readonly weight: number
}

/** Another MCP server behind the hub, as its user described it, with every default filled in. */
export interface ServerDefinition {
  /** `[a-z][a-z0-9_-]*`, made of the name: prefix, scope `mcp:<id>` and key of everything stored. */
  readonly id: string
  /** As it stands in the file. */
  readonly name: string
  readonly enabled: boolean
  /** At least one. */
  readonly replicas: readonly Replica[]
  readonly balance: 'round_robin' | 'weighted' | 'least_loaded'
  readonly oauth?: OAuthDefinition
  /** Profiles that have it, besides those that name it themselves. */
  readonly profiles: readonly string[]
  /** Patterns with `*`; absent: all. */
  readonly allowTools?: readonly string[]
  readonly denyTools: readonly string[]
  readonly overrides: ReadonlyMap<string, ToolOverride>
  /** Milliseconds a call may take without a sign of life; absent: the hub's default. */
  readonly timeoutMs?: number
  readonly startTimeoutMs: number
  /** How long a call waits for a server that is starting or about to be started again. */
  readonly patienceMs: number
  /** Calls at once; more wait. */
  readonly concurrency: number
  /** Calls that may wait; more are refused. */
  readonly queue: number
  readonly start: 'eager' | 'on_demand'
  /** Absent: it is never stopped for want of use. */
  readonly idleStopMs?: number
  readonly restart: RestartPolicy
  /** Whether clients share one connection. `auto`: until it is seen to ask its clients questions. */
  readonly sharing: 'auto' | 'shared' | 'per_client'
  /** Connections beside the shared one, at most. */
  readonly mostConnections: number
  /** A second replica is asked when the first has not answered a read by then; absent: never. */
  readonly hedgeAfterMs?: number
  /** Names of servers or parts of the hub without which it is of no use. */
  readonly needs: readonly string[]
  /** Megabytes of its whole process group; above it is restarted. */
  readonly memoryMegabytes?: number
  /** Directories told to a server that asks for roots where no client is asked. */
  readonly roots: readonly { readonly uri: string; readonly name?: string }[]
  /** What happens to a tool that is new, and to one that changed since: `trust` offers it, `hold` waits for a person. */
  readonly newTools: 'trust' | 'hold'
  readonly changedTools: 'trust' | 'hold'
  /** Resolved secrets in it: never to be written anywhere. */
  readonly secrets: readonly string[]
  /** Changes when anything above does. */
  readonly fingerprint: string
}
