/** A key of the configuration that can also be given on the command line or in the environment. */
export interface Setting {
  /** Dotted path in the configuration; `config` is the file itself. */
  readonly key: string
  readonly env: `ALICIA_${string}`
  /** A variable that others understand too; ours counts before it. */
  readonly sharedEnv?: string
  /** Long flag with its argument, as the help shows it. Secrets have none: other users can read a command line. */
  readonly flag?: `--${string}`
  /** One line for the help. */
  readonly summary?: string
}

export const SETTINGS: readonly Setting[] = [
  { key: 'host', env: 'ALICIA_HOST', flag: '--host <address>', summary: 'address to listen on (127.0.0.1)' },
  { key: 'port', env: 'ALICIA_PORT', flag: '--port <port>', summary: 'HTTP port: API, dashboard, MCP (8765)' },
  { key: 'data', env: 'ALICIA_DATA', flag: '--data <folder>', summary: 'data folder' },
  { key: 'config', env: 'ALICIA_CONFIG', flag: '--config <file>', summary: 'configuration file (JSON with comments)' },
  { key: 'mcpFiles', env: 'ALICIA_MCP_FILE', flag: '--mcp-file <files>', summary: 'files with other MCP servers' },
  { key: 'broker.kind', env: 'ALICIA_BROKER', flag: '--broker <kind>', summary: 'embedded, mosquitto or remote' },
  { key: 'broker.host', env: 'ALICIA_MQTT_HOST', flag: '--mqtt-host <address>', summary: 'address of the own broker' },
  { key: 'broker.port', env: 'ALICIA_MQTT_PORT', flag: '--mqtt-port <port>', summary: 'port of the own broker (1883)' },
  { key: 'only', env: 'ALICIA_ONLY', flag: '--only <services>', summary: 'run these services alone, for another hub' },
  {
    key: 'without',
    env: 'ALICIA_WITHOUT',
    flag: '--without <services>',
    summary: 'leave these services to other processes',
  },
  { key: 'demo', env: 'ALICIA_DEMO', flag: '--demo', summary: 'add a simulated home to try things on' },
  {
    key: 'log.level',
    env: 'ALICIA_LOG_LEVEL',
    flag: '--log-level <level>',
    summary: 'debug, info, warn, error, silent',
  },
  { key: 'tracing.url', env: 'ALICIA_TRACING_URL', sharedEnv: 'OTEL_EXPORTER_OTLP_ENDPOINT' },
  { key: 'checkResults', env: 'ALICIA_CHECK_RESULTS' },
  { key: 'token', env: 'ALICIA_TOKEN' },
  { key: 'secretKey', env: 'ALICIA_SECRET_KEY' },
  { key: 'secretKeySource', env: 'ALICIA_SECRET_KEY_SOURCE' },
  { key: 'broker.url', env: 'ALICIA_BROKER_URL' },
  { key: 'broker.enforcesIdentity', env: 'ALICIA_BROKER_ENFORCES_IDENTITY' },
  { key: 'database.url', env: 'ALICIA_DATABASE_URL' },
  { key: 'publicUrl', env: 'ALICIA_PUBLIC_URL' },
  { key: 'allowedHosts', env: 'ALICIA_ALLOWED_HOSTS' },
  { key: 'allowedOrigins', env: 'ALICIA_ALLOWED_ORIGINS' },
]

/** Those that are flags, for the command line. */
export const FLAGS = SETTINGS.flatMap(({ flag, env, summary = '' }) =>
  flag === undefined ? [] : [{ flag, env, summary }],
)

/** `--mqtt-port` of `--mqtt-port <port>`. */
export const flagName = (flag: string): string => flag.split(' ', 1)[0] ?? flag

/** The name a command-line parser gives the flag: `mqttPort` of `--mqtt-port <port>`. */
export const flagKey = (flag: string): string =>
  flagName(flag)
    .slice(2)
    .replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
