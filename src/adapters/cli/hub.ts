import type { Readable, Writable } from 'node:stream'
import type { RootLog } from '../../kernel/log.ts'
import type { PartReport } from '../../kernel/ports.ts'
import type { TrailReport } from '../../kernel/trail.ts'
import type { Backups } from './backups.ts'
import type { OfflineKeys } from './offline-keys.ts'
import type { BrokerFiles } from './broker-files.ts'
import type { ServerFiles } from './server-files.ts'

/** What the command line needs to know of the configuration. */
export interface HubConfig {
  readonly data: string
  readonly file?: string
  /** Files with other MCP servers, at least one. */
  readonly mcpFiles: readonly string[]
  readonly host: string
  readonly port: number
  readonly publicUrl?: string
  readonly trustedProxies?: readonly string[]
  readonly rooms?: Readonly<Record<string, { readonly topics: readonly string[] }>>
  readonly devices?: Readonly<Record<string, { readonly room?: string }>>
  readonly demo: boolean
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent' }
  readonly database: { readonly url?: string }
  readonly broker: {
    readonly kind: 'embedded' | 'mosquitto' | 'remote'
    readonly host?: string
    readonly port?: number
    readonly url?: string
    readonly program?: string
    /** PEM files for `url`. */
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
  }
}

/** A hub in this process. */
export interface RunningHub {
  /** Absent: everything. Else only these run here, for a hub elsewhere, and the addresses of HTTP are empty. */
  readonly services?: readonly string[]
  readonly urls: {
    readonly http: string
    readonly mcp: string
    readonly mqtt: string
    readonly mqttWebSocket?: string
  }
  /** Where the owner's access token is, or undefined when it was given by configuration. */
  readonly tokenFile: string | undefined
  parts(): readonly PartReport[]
  /** Resolves within 10 s. */
  stop(): Promise<void>
  /** MCP on two streams; resolves when the input ended and all that came is answered. Throws Fault `not_found`. */
  serveStdio(streams: StdioStreams): Promise<void>
}

export interface StdioStreams {
  readonly input: Readable
  readonly output: Writable
  /** Absent: everything. */
  readonly profile?: string
}

/** A hub in another process, as it wrote itself down in its data folder. */
export interface FoundHub {
  readonly pid: number
  /** `http://host:port` */
  readonly url: string
  /** Where its broker listens, without credentials; absent: as the configuration says. */
  readonly mqttUrl?: string
  readonly version: string
}

/** A flag that sets a key of the configuration. */
export interface ConfigFlag {
  /** `--port <port>` */
  readonly flag: string
  readonly env: string
  readonly summary: string
}

/** The audit of a hub that does not run. */
export interface OfflineAudit<Config> {
  /** Times in ISO 8601. Throws Fault. */
  verify(
    config: Config,
    range: { readonly from?: string; readonly to?: string },
    signal: AbortSignal,
  ): Promise<TrailReport>
  /** Verifies an export with the keys of the data folder. Throws Fault. */
  verifyLines(config: Config, lines: AsyncIterable<string>): Promise<TrailReport>
}

/** What the command line works on: given by the composition, so that it imports the kernel alone. */
export interface Composition<Config extends HubConfig> {
  readonly version: string
  readonly flags: readonly ConfigFlag[]
  /** Flags by camel-case name over environment over file. Throws Fault `invalid_input`. */
  loadConfig(flags: Readonly<Record<string, unknown>>): Config
  /** Throws Fault; `conflict` when a port is taken or another hub has the data folder. */
  startHub(config: Config, options: { readonly log: RootLog }): Promise<RunningHub>
  /** The hub that holds this data folder, if one runs. */
  findHub(config: Config): FoundHub | undefined
  /** The owner's access token; undefined before the first start. Throws Fault `storage_failed`. */
  readToken(config: Config): string | undefined
  /** Makes a new owner's token for a hub that does not run. Returns it. */
  rotateToken(config: Config): Promise<string>
  /** Opens the database and closes it; resolves to what it found, in words. Throws Fault. */
  checkDatabase(config: Config, signal: AbortSignal): Promise<string>
  /** The files with other MCP servers, and the secrets they refer to. */
  servers(config: Config): ServerFiles
  /** Absent: only a hub that runs can be asked. */
  readonly audit?: OfflineAudit<Config>
  /** Keys of the configuration file that hold a secret in cleartext. */
  plainSecrets?(config: Config): readonly string[]
  /** With the secrets that it refers to in their place. Throws Fault `invalid_input` for one that is not set. */
  withSecrets?(config: Config): Config
  readonly keys?: OfflineKeys<Config>
  readonly backups?: Backups<Config>
  /** Loaded when it is needed. */
  brokerFiles?(): Promise<BrokerFiles<Config>>
}
