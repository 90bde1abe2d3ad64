/** Where Mosquitto finds what, and what it listens on. Paths are those of the machine it runs on. */
export interface MosquittoSetting {
  /** 2.0 has options for passwords and access, 2.1 the same as plugins: the options go away with 3.0. */
  readonly dialect: '2.0' | '2.1'
  /** Folder of the files. */
  readonly at: string
  /** Folder of retained messages and sessions. */
  readonly dataFolder: string
  /** Folder of the plugins; for 2.1. */
  readonly pluginFolder: string
  readonly ports: { readonly mqtt: number; readonly mqtts: number; readonly ws: number; readonly wss: number }
  /** Whether clients need a certificate of the authority besides their password. */
  readonly requiresCertificates: boolean
  /** Whom a Mosquitto started by root turns into. Absent: `mosquitto`. */
  readonly user?: string
}

/**
 * A configuration of Mosquitto. What differs from its defaults is what would let anybody in, lose messages or time, or let one
 * client take all memory. Without TLS it listens on loopback alone.
 */
export function mosquittoSettings(setting: MosquittoSetting): string {
  const { at, dataFolder, ports, user } = setting
  const lines = [
    `# Written by \`alicia broker config\` for Mosquitto ${setting.dialect}.`,
    ...(user === undefined ? [] : [`user ${user}`]),
    '',
    'allow_anonymous false',
    ...accessLines(setting),
    '',
    'persistence true',
    `persistence_location ${dataFolder}/`,
    'autosave_interval 300',
    'persistent_client_expiration 14d',
    '',
    'max_inflight_messages 100',
    'max_queued_messages 10000',
    'max_queued_bytes 64000000',
    'max_packet_size 10000000',
    'memory_limit 512000000',
    'set_tcp_nodelay true',
    'sys_interval 10',
    'log_dest stderr',
    'log_type error',
    'log_type warning',
    'log_type notice',
    '',
    ...listener(`${ports.mqtt} 127.0.0.1`),
    ...listener(`${ports.mqtts}`, tlsLines(at, setting.requiresCertificates)),
    ...listener(`${ports.ws} 127.0.0.1`, ['protocol websockets']),
    ...listener(`${ports.wss}`, ['protocol websockets', ...tlsLines(at, setting.requiresCertificates)]),
  ]
  return `${lines.join('\n')}\n`
}

function accessLines({ dialect, at, pluginFolder }: MosquittoSetting): string[] {
  if (dialect === '2.0') return [`password_file ${at}/passwords`, `acl_file ${at}/acl`]
  return [
    `global_plugin ${pluginFolder}/mosquitto_password_file.so`,
    `plugin_opt_password_file ${at}/passwords`,
    `global_plugin ${pluginFolder}/mosquitto_acl_file.so`,
    `plugin_opt_acl_file ${at}/acl`,
  ]
}

const MOST_CONNECTIONS = 1000

const listener = (where: string, more: readonly string[] = []): string[] => [
  `listener ${where}`,
  `max_connections ${MOST_CONNECTIONS}`,
  ...more,
  '',
]

const tlsLines = (at: string, requiresCertificates: boolean): string[] => [
  `cafile ${at}/ca.crt`,
  `certfile ${at}/server.crt`,
  `keyfile ${at}/server.key`,
  'tls_version tlsv1.2',
  `require_certificate ${requiresCertificates}`,
]
