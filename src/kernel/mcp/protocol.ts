/** Revisions of MCP that open with an `initialize` handshake, newest first. */
export const LEGACY_REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const
/** The revision without a handshake: every request says who asks and in which revision. */
export const MODERN_REVISION = '2026-07-28'
export const REVISIONS = [MODERN_REVISION, ...LEGACY_REVISIONS] as const

export type LegacyRevision = (typeof LEGACY_REVISIONS)[number]
export type Revision = (typeof REVISIONS)[number]

export const isLegacyRevision = (revision: unknown): revision is LegacyRevision => LEGACY.has(revision)

const LEGACY: ReadonlySet<unknown> = new Set(LEGACY_REVISIONS)

/** Revisions are dates: `since(revision, '2025-06-18')` is true of that one and all later ones. */
export const since = (revision: Revision, first: Revision): boolean => revision >= first

/** Reserved keys of `_meta` (2026-07-28, basic, "General fields"). */
export const META = {
  revision: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

/** JSON-RPC error numbers with a meaning in MCP; those of faults stand in the kernel's fault table. */
export const RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  /** Number the SDKs use for a session that is gone; HTTP 404 tells a client to initialize anew. */
  sessionNotFound: -32001,
  headerMismatch: -32020,
  /** `data.requiredCapabilities` says what the client lacks (2026-07-28). */
  missingCapability: -32021,
  unsupportedRevision: -32022,
} as const

/** Messages in a batch: one request of the smallest kind must not ask for a hundred thousand answers. */
export const MOST_IN_BATCH = 100
/** Requests that may run at once in one session, or on one connection. */
export const MOST_RUNNING = 256

/** Severities of RFC 5424, lowest first. */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export const isLogLevel = (level: unknown): level is LogLevel => LOG_LEVELS.includes(level as LogLevel)

export const atLeast = (level: LogLevel, threshold: LogLevel): boolean =>
  LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(threshold)
