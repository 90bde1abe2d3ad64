import type { Complaint } from './explain.ts'
import { LAYERS, type Layer } from './layers.ts'
import type { ParsedConfig } from './schema.ts'

type Parsed = ParsedConfig['broker']

/** The broker the hub runs, or the one it uses. */
export type BrokerConfig =
  | (Pick<Parsed, 'port' | 'webSocketPort' | 'anonymous' | 'program' | 'users' | 'quotas' | 'tls'> & {
      kind: 'embedded' | 'mosquitto'
      host: string
    })
  | (Pick<Parsed, 'ca' | 'cert' | 'key' | 'enforcesIdentity' | 'users' | 'session'> & { kind: 'remote'; url: string })

/**
 * Which broker it is: a `url` means a remote one, unless a higher layer asks for another kind (`--broker embedded`
 * over a `url` in the file). In one and the same layer the two contradict each other.
 */
export function chooseBroker(
  broker: Parsed,
  host: string,
  layerOf: (key: string) => Layer,
): BrokerConfig | Complaint[] {
  const { url, kind, port, webSocketPort, anonymous, users, program, quotas, tls } = broker
  const rank = (key: string) => LAYERS.indexOf(layerOf(key))
  const own = kind === 'remote' ? undefined : kind
  if (url !== undefined && own !== undefined && rank('broker.url') === rank('broker.kind'))
    return [{ path: ['broker', 'kind'], text: `broker.kind is ${own}, but broker.url names another broker; drop one` }]
  if (url !== undefined && (own === undefined || rank('broker.url') > rank('broker.kind'))) return remote(broker, url)
  if (kind === 'remote')
    return [{ path: ['broker', 'kind'], text: 'broker.kind is remote, but there is no broker.url (ALICIA_BROKER_URL)' }]
  return {
    kind: own ?? 'embedded',
    host: broker.host ?? host,
    port,
    webSocketPort,
    anonymous,
    users,
    quotas,
    ...(tls && { tls }),
    ...(program !== undefined && { program }),
  }
}

function remote({ ca, cert, key, enforcesIdentity, users, session }: Parsed, url: string): BrokerConfig | Complaint[] {
  if ((cert === undefined) !== (key === undefined)) {
    const [there, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key']
    return [{ path: ['broker', there], text: `broker.${there} needs broker.${missing}` }]
  }
  return {
    kind: 'remote',
    url,
    enforcesIdentity,
    users,
    ...(session && { session }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
}

/** What no single key shows: two listeners on one port, two users of one name. */
export function clashes(port: number, broker: BrokerConfig): Complaint[] {
  const complaints: Complaint[] = []
  const names = new Set<string>()
  for (const [index, { name }] of broker.users.entries()) {
    if (names.has(name))
      complaints.push({
        path: ['broker', 'users', index, 'name'],
        text: `broker.users[${index}].name is taken already`,
      })
    names.add(name)
  }
  if (broker.kind === 'remote') return complaints
  const taken = new Map([[port, 'port']])
  for (const key of ['port', 'webSocketPort'] as const) {
    const value = broker[key]
    if (value === null || value === 0) continue
    const other = taken.get(value)
    if (other !== undefined)
      complaints.push({ path: ['broker', key], text: `broker.${key} is the same port as ${other}` })
    taken.set(value, `broker.${key}`)
  }
  const secure = broker.tls?.port ?? 0
  if (secure !== 0 && taken.has(secure))
    complaints.push({
      path: ['broker', 'tls', 'port'],
      text: `broker.tls.port is the same port as ${taken.get(secure)}`,
    })
  return complaints
}
