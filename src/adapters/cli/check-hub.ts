import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { connectAsync, type IClientOptions } from 'mqtt'
import { Fault } from '../../kernel/fault.ts'
import { failed, note, ok, warning, type Check, type Finding } from './check.ts'
import type { FoundHub, HubConfig } from './hub.ts'
import { hostInUrl } from './host.ts'
import { hubClient } from './hub-client.ts'

const CONNECT_MS = 5000

/** Whether a hub runs, and which. */
export function hubCheck(hub: FoundHub | undefined, version: string): Check {
  return {
    name: 'Hub',
    async run() {
      if (!hub) return note('not running; start it with `alicia start`')
      const text = `running: process ${hub.pid}, version ${hub.version}, ${hub.url}`
      return hub.version === version ? ok(text) : warning(text, `This program is ${version}: restart the hub.`)
    },
  }
}

/** Whether the API answers with the token of the data folder. */
export function httpCheck(hub: FoundHub, token: string | undefined): Check {
  return {
    name: 'HTTP',
    async run(signal) {
      const operations = await hubClient({ url: hub.url, token }).list(signal)
      return ok(`${hub.url} answers, ${operations.length} operations`)
    },
  }
}

/** Whether the port is free for a hub that is to be started. */
export function portCheck(name: string, { host, port, flag }: { host: string; port: number; flag: string }): Check {
  return {
    name,
    async run(): Promise<Finding> {
      const server = createServer()
      try {
        await once(server.listen(port, host), 'listening')
        return ok(`port ${port} is free`)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'EADDRINUSE')
          return failed(`port ${port} is taken by another program`, `Stop it, or choose another port with ${flag}.`)
        return failed(`port ${port} at ${host} cannot be opened (${code})`, `Choose another with ${flag}, or --host.`)
      } finally {
        server.close()
      }
    },
  }
}

/** Whether the broker lets the owner in; a remote one is tried with the login of its URL. */
export function mqttCheck({ broker }: HubConfig, hub: FoundHub | undefined, token: string | undefined): Check {
  const isRemote = broker.kind === 'remote'
  const own = hub?.mqttUrl ?? `mqtt://${hostInUrl(broker.host ?? '127.0.0.1')}:${broker.port}`
  const url = isRemote ? (broker.url ?? '') : own
  const shown = withoutLogin(url)
  return {
    name: 'MQTT',
    async run(signal) {
      signal.throwIfAborted()
      const login = !isRemote && token !== undefined ? { username: 'alicia', password: token } : {}
      try {
        await connectOnce(url, isRemote ? tlsOf(broker) : login)
        return ok(`${shown} lets ${isRemote ? 'the hub' : 'alicia'} in`)
      } catch (error) {
        return failed(`${shown}: ${reasonOf(error)}`, mqttFix(isRemote))
      }
    },
  }
}

type Login = Pick<IClientOptions, 'username' | 'password' | 'ca' | 'cert' | 'key'>

function tlsOf(files: Pick<HubConfig['broker'], 'ca' | 'cert' | 'key'>): Login {
  const read = (key: 'ca' | 'cert' | 'key') => {
    const path = files[key]
    return path === undefined ? {} : { [key]: readFileSync(path, 'utf8') }
  }
  return { ...read('ca'), ...read('cert'), ...read('key') }
}

/** With MQTT 5, else 3.1.1, as the hub does; of two refusals the one of the version that was spoken counts. */
async function connectOnce(url: string, login: Login): Promise<void> {
  const connect = (protocolVersion: 4 | 5) =>
    connectAsync(url, { ...login, protocolVersion, reconnectPeriod: 0, connectTimeout: CONNECT_MS }, false)
  const client = await connect(5).catch((error: unknown) => {
    if (isVersionRefusal(error)) return connect(4)
    throw error
  })
  await client.endAsync()
}

/** Reason 1 in MQTT 3.1.1 (3.2.2.3), 132 in MQTT 5 (3.2.2.2); a broker that knows neither just hangs up. */
const isVersionRefusal = (error: unknown) =>
  [1, 132].includes(Number((error as { code?: unknown }).code)) || /closed/i.test((error as Error).message)

const mqttFix = (isRemote: boolean) =>
  isRemote
    ? 'Check broker.url (ALICIA_BROKER_URL): address, user and password; broker.ca where the certificate is your own.'
    : 'Is the hub running with another --mqtt-port? Its log says why the broker is away.'

/** Node's error for an address with several addresses has no message of its own. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException
  return message || (code ?? 'no answer')
}

function withoutLogin(url: string): string {
  const parsed = URL.parse(url)
  return parsed ? `${parsed.protocol}//${parsed.host}` : 'the broker'
}

/** Opens the database and says what it is; one that the first start will make is not missed. */
export function databaseCheck({ data, database }: HubConfig, check: (signal: AbortSignal) => Promise<string>): Check {
  return {
    name: 'Database',
    async run(signal) {
      if (database.url === undefined && !existsSync(data)) return note('SQLite; the first start makes it')
      return ok(await check(signal))
    },
  }
}

/** What a check threw, as its finding. */
export function findingOf(error: unknown): Finding {
  if (error instanceof Fault) return failed(error.message, error.hint ?? 'The log of the hub may say more.')
  return failed(error instanceof Error ? error.message : String(error), 'This is unexpected: please report it.')
}
