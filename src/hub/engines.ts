import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { presenceWill } from '../adapters/mqtt/presence.ts'
import type { Config } from '../config.ts'
import { connectBus } from '../engines/broker/bus.ts'
import type { BusWill } from '../engines/broker/bus-protocol.ts'
import { startEmbeddedBroker } from '../engines/broker/embedded.ts'
import { startMosquitto } from '../engines/broker/mosquitto.ts'
import { remoteBroker } from '../engines/broker/remote.ts'
import type { IdentityLogins } from '../engines/broker/identity-logins.ts'
import type { MembersOptions } from '../engines/broker/members.ts'
import type { NoteLimit } from '../engines/broker/quotas.ts'
import type { TlsMaterial } from '../engines/broker/tls.ts'
import type { DataFolder } from '../engines/data-folder.ts'
import { openPostgresOnDemand } from '../engines/store/postgres-on-demand.ts'
import { DATABASE_FILE, openSqlite } from '../engines/store/sqlite.ts'
import type { Clock } from '../kernel/clock.ts'
import { Fault } from '../kernel/fault.ts'
import { hashToken } from '../kernel/identity.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { RootLog } from '../kernel/log.ts'
import type { LoginThrottle } from '../kernel/login-throttle.ts'
import type { Broker } from '../kernel/ports.ts'

/** What every engine is made from. */
export interface EngineOptions {
  readonly config: Config
  readonly folder: DataFolder
  readonly clock: Clock
  readonly log: RootLog
}

/** The database. */
export function storePart({ config, folder, clock, log }: EngineOptions): Part {
  return {
    name: 'store',
    needs: [],
    essential: true,
    async start() {
      const { url } = config.database
      const store =
        url === undefined
          ? openSqlite({ file: folder.file(DATABASE_FILE), log, clock })
          : await openPostgresOnDemand({ url, log, clock })
      return { value: store, report: () => store.report(), stop: () => store.close() }
    },
  }
}

/** The broker as the rest of the composition sees it. */
export interface OwnBroker extends Broker {
  /** Takes over a connection that speaks MQTT, where the broker runs in this process. */
  accept?(stream: Duplex, address?: string, below?: Duplex): void
  /** Lets the hub's people and tokens in, where the broker asks the hub; returns what shuts them out again. */
  openTo?(logins: IdentityLogins): () => void
  /** Another password of the owner's login: at once, or by starting it anew. Absent: it does not know the owner's token. */
  changeOwnerToken?(token: string): Promise<'renewed' | 'restarted'>
  stop?(): Promise<void>
}

/** What the hub's own broker needs to know of guesses and limits. */
export interface BrokerWatch {
  readonly throttle: LoginThrottle
  readonly note: NoteLimit
  readonly onWrong: MembersOptions['onWrong']
}

/** What the hub's own broker is made from besides. Absent: it knows nobody but those of its configuration. */
interface BrokerOptions extends EngineOptions {
  readonly watch?: BrokerWatch
}

/** The broker that the configuration asks for. `onBroker` gets it once it runs. */
export function brokerPart(options: BrokerOptions, onBroker: (broker: OwnBroker) => void): Part {
  return {
    name: 'broker',
    needs: [],
    essential: true,
    async start(_, signal) {
      const broker = await startBroker(options, signal)
      for (const account of ['hub', 'session'] as const) options.log.hide(broker.login(account)?.password ?? '')
      onBroker(broker)
      return { value: broker, report: () => broker.report(), stop: async () => await broker.stop?.() }
    },
  }
}

async function startBroker(
  { config, folder, clock, log, watch }: BrokerOptions,
  signal: AbortSignal,
): Promise<OwnBroker> {
  const { broker } = config
  if (broker.kind === 'remote') {
    const { url, enforcesIdentity, session } = broker
    const remote = remoteBroker({ url, tls: tlsOf(broker), enforcesIdentity, clock, ...(session && { session }) })
    await remote.check(signal)
    return remote
  }
  const own = {
    host: broker.host,
    port: broker.port,
    ...(broker.webSocketPort !== null && { webSocketPort: broker.webSocketPort }),
    ownerToken: folder.token,
    users: broker.users,
    anonymous: broker.anonymous && {},
    log,
  }
  const { tls } = broker
  if (broker.kind === 'embedded')
    return await startEmbeddedBroker({
      ...own,
      ...watch,
      awaitsIdentities: watch !== undefined,
      quotas: broker.quotas,
      ...(tls && { tls: { port: tls.port, read: () => serverTlsOf(tls) } }),
      clock,
      file: folder.file('broker.db'),
    })
  const { program } = broker
  return await startMosquitto({
    ...own,
    ...(program !== undefined && { program }),
    ...(tls && { tls }),
    folder: folder.file('mosquitto'),
    clock,
  })
}

/** Throws Fault `invalid_input` for a file that cannot be read. */
function serverTlsOf(files: { readonly cert: string; readonly key: string }) {
  const read = (key: 'cert' | 'key') => {
    try {
      return readFileSync(files[key], 'utf8')
    } catch (cause) {
      throw new Fault('invalid_input', `broker.tls.${key}: the file ${files[key]} cannot be read.`, { cause })
    }
  }
  return { cert: read('cert'), key: read('key') }
}

function tlsOf(files: { ca?: string; cert?: string; key?: string }): TlsMaterial {
  const read = (key: 'ca' | 'cert' | 'key') => {
    const path = files[key]
    if (path === undefined) return {}
    try {
      return { [key]: readFileSync(path, 'utf8') }
    } catch (cause) {
      throw new Fault('invalid_input', `broker.${key}: the file ${path} cannot be read.`, { cause })
    }
  }
  return { ...read('ca'), ...read('cert'), ...read('key') }
}

/** The hub's own connection to its broker; `will`: what the broker says of it when it is gone. */
export function busPart(
  { folder, clock, log }: EngineOptions,
  instance: string,
  will: BusWill = presenceWill(instance),
): Part {
  return {
    name: 'bus',
    needs: ['broker'],
    async start({ broker }, signal) {
      if (!broker) throw new TypeError('The bus starts after the broker.')
      // The same after a restart, for the will that waits; nobody's guess, or anybody could take its place at a broker.
      const clientId = `alicia-hub-${instance}-${hashToken(`bus ${folder.token}`).slice(0, 12)}`
      const bus = await connectBus({ broker, will, clientId, clock, log, signal })
      return { value: bus, report: () => bus.report(), stop: () => bus.stop() }
    },
  }
}
