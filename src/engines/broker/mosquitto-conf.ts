/** Where things are and what is to be listened on. */
export interface MosquittoPlaces {
  readonly host: string
  readonly port: number
  readonly webSocketPort?: number
  /** A listener with TLS: its port, and the paths of certificate and key. */
  readonly tls?: { readonly port: number; readonly cert: string; readonly key: string }
  /** Path of the dynamic security plugin. */
  readonly plugin: string
  /** Path of the plugin's configuration. */
  readonly security: string
  /** Folder of retained messages and sessions. */
  readonly folder: string
  /** Whom a Mosquitto started by root turns into: the hub's own user, who owns the folder. */
  readonly user: string
  readonly anonymous: boolean
}

/**
 * A configuration that Mosquitto 2.0 and 2.1 both take. What differs from the defaults is what loses messages or time
 * there: no persistence, 1000 queued messages, 20 in flight, Nagle's algorithm.
 */
export function mosquittoConf(places: MosquittoPlaces): string {
  const { host, port, webSocketPort, tls, plugin, security, folder, user, anonymous } = places
  const lines = [
    '# Written by Alicia at every start; changes are lost.',
    `user ${user}`,
    `plugin ${plugin}`,
    `plugin_opt_config_file ${security}`,
    `allow_anonymous ${anonymous}`,
    'persistence true',
    `persistence_location ${folder}/`,
    'autosave_interval 30',
    'persistent_client_expiration 14d',
    'max_inflight_messages 100',
    'max_queued_messages 100000',
    'max_packet_size 10000000',
    'set_tcp_nodelay true',
    'sys_interval 2',
    'log_dest stderr',
    'log_timestamp false',
    'log_type error',
    'log_type warning',
    'log_type notice',
    `listener ${port} ${host}`,
    ...(webSocketPort === undefined ? [] : [`listener ${webSocketPort} ${host}`, 'protocol websockets']),
    ...(tls === undefined
      ? []
      : [`listener ${tls.port} ${host}`, `certfile ${tls.cert}`, `keyfile ${tls.key}`, 'tls_version tlsv1.2']),
  ]
  return `${lines.join('\n')}\n`
}
