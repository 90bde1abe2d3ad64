import { hostname } from 'node:os'
import type { RunningHub } from '../adapters/cli/hub.ts'
import { createMqttAdapter } from '../adapters/mqtt/adapter.ts'
import { createMcpServer, type McpServer } from '../adapters/mcp/server.ts'
import { serveStdio } from '../adapters/mcp/stdio.ts'
import type { Config } from '../config.ts'
import { openDataFolder, type DataFolder } from '../engines/data-folder.ts'
import { loadSecrets, type Keyring } from '../engines/secrets.ts'
import type { Tracing } from '../engines/tracing/tracing.ts'
import { noAudit, type Audit } from '../kernel/audit.ts'
import { systemClock, type Clock } from '../kernel/clock.ts'
import { createEvents, type Events } from '../kernel/events.ts'
import { Fault } from '../kernel/fault.ts'
import { createIdentity, OWNER } from '../kernel/identity.ts'
import { openDoor } from '../kernel/invoke.ts'
import { createLifecycle, type Lifecycle, type Part } from '../kernel/lifecycle.ts'
import type { RootLog } from '../kernel/log.ts'
import { createMetrics } from '../kernel/metrics.ts'
import { createPolicy } from '../kernel/policy.ts'
import type { Hub, PartReport, Ports } from '../kernel/ports.ts'
import { createRegistry } from '../kernel/registry.ts'
import type { Service } from '../kernel/service.ts'
import type { Tracer } from '../kernel/trace.ts'
import type { BusDirectory } from '../gateway/bus/directory.ts'
import type { RunningGateway } from '../gateway/gateway.ts'
import { services, servicesFor, type Changing } from '../services.ts'
import { clearDemoHome } from '../services/demo/ghosts.ts'
import { busServicesPart } from './bus-services.ts'
import { brokerPart, busPart, storePart, type OwnBroker } from './engines.ts'
import { capabilitiesIn } from './capabilities.ts'
import { createEconomy } from './context-economy.ts'
import { gatewayPart } from './gateway.ts'
import { httpPart } from './http.ts'
import { createProfiles } from './profiles.ts'

export interface StartOptions {
  readonly log: RootLog
  readonly version: string
}

/** How long running calls may go on when the hub stops, and each part may take to start and to stop, milliseconds. */
export const CALLS_GRACE_MS = 5000
export const START_TIMEOUT_MS = 30_000
export const STOP_TIMEOUT_MS = 1500

/** Told to every model at the start of a conversation. */
const INSTRUCTIONS = [
  'Alicia is the hub of a home.',
  'To look at or control what is on its MQTT broker, begin with establish_connection without arguments: that is the',
  "hub's own broker. Use the session_id it returns in list_topics, subscribe_and_collect and publish_message.",
  'If a call says that something is unavailable, list_services says why.',
].join(' ')

/** Starts everything that the configuration asks for. Throws Fault; nothing runs on then. */
export async function startHub(config: Config, options: StartOptions): Promise<RunningHub> {
  const { log } = options
  for (const secret of secretsIn(config)) log.hide(secret)
  const tracing = await tracingOf(config, options)
  const folder = openDataFolder({ path: config.data, log, ...(config.token !== undefined && { token: config.token }) })
  log.hide(folder.token)
  const assembly = assemble(config, folder, { ...options, ...(tracing && { tracer: tracing }) })
  const { lifecycle, door } = assembly
  const stop = async () => {
    await door.close(CALLS_GRACE_MS)
    await lifecycle.stop()
    await tracing?.close()
    folder.close()
  }
  try {
    await lifecycle.start()
    const urls = urlsOf(assembly.address(), assembly.broker())
    const { version } = options
    folder.announce({ url: urls.http, mqttUrl: urls.mqtt, version, startedAt: assembly.hub.startedMs })
    return {
      urls,
      tokenFile: folder.tokenSource === 'file' ? folder.tokenFile : undefined,
      parts: () => lifecycle.reports(),
      stop: once(stop),
      serveStdio: (streams) =>
        serveStdio({
          ...streams,
          server: assembly.mcp,
          caller: { ...OWNER, via: 'mcp' },
          largestLineBytes: LARGEST_LINE_BYTES,
        }),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** One message on standard input, bytes. */
const LARGEST_LINE_BYTES = 16 * 1024 * 1024

/** Loaded only where it is wanted: it costs a hub megabytes. */
async function tracingOf({ tracing }: Config, { log, version }: StartOptions): Promise<Tracing | undefined> {
  if (tracing.url === undefined) return undefined
  const { openTracing } = await import('../engines/tracing/tracing.ts')
  return openTracing({ url: tracing.url, version, log })
}

/** Everything a hub is made of, joined and not yet started. */
function assemble(config: Config, folder: DataFolder, { log, version, tracer }: StartOptions & { tracer?: Tracer }) {
  const clock = systemClock
  const events = createEvents((error) => log.error('a listener failed', { error }))
  const registry = createRegistry(events)
  const metrics = createMetrics({ clock, servers: () => gateway?.servers() ?? [] })
  events.on('capability.fell_back', ({ capability, to }) => metrics.fellBack(capability, to))
  const identity = createIdentity(folder.token)
  let audit: Audit = noAudit
  let broker: OwnBroker | undefined
  let gateway: RunningGateway | undefined
  let directory: BusDirectory | undefined
  let address = ''
  const profiles = createProfiles()
  let capabilities: readonly unknown[] = []
  const { callsPerMinute, timeoutSeconds } = config.limits
  const policy = createPolicy({ callsPerMinute, timeoutMs: timeoutSeconds * 1000 })
  const late: Audit = { record: (entry) => audit.record(entry) }
  const door = openDoor({
    registry,
    policy,
    metrics,
    audit: late,
    clock,
    log,
    ...(tracer && { tracer }),
    checkOutput: config.checkResults,
  })
  const hub: Hub = {
    invoke: door.invoke,
    registry,
    parts: () => [...lifecycle.reports(), ...serverParts(gateway), ...(directory?.reports() ?? [])],
    version,
    startedMs: clock.now(),
    metrics: () => metrics.exposition(),
    performance: metrics.performance,
    get control() {
      return lifecycle.control
    },
    gateway: () => gateway,
  }
  const economy = createEconomy({ clock, profiles, limits: config.limits, mcp: () => mcp })
  const mcp: McpServer = createMcpServer({
    registry,
    invoke: door.invoke,
    events,
    clock,
    log,
    version,
    instructions: INSTRUCTIONS,
    profiles,
    ...economy.front,
  })
  const engines = { config, folder, clock, log }
  const surroundings = { clock, events, log }
  const lifecycle: Lifecycle = createLifecycle(
    [
      storePart(engines, (running) => (audit = running ?? noAudit)),
      brokerPart(engines, (running) => (broker = running)),
      busPart(engines, instanceOf(config)),
      ...readyParts({ hub, identity, secrets: secretsOf(config, folder, log) }),
      ...ownServices(config, { capabilities: () => capabilities, catalog: economy.catalog }).map((service) =>
        service.join({ ...surroundings, log: log.child({ service: service.name }) }, registry, () =>
          lifecycle.report(service.name),
        ),
      ),
      mqttPart({ config, hub, events, clock, log }),
      busServicesPart({
        config,
        registry,
        events,
        clock,
        log,
        onDirectory: (running) => (directory = running),
      }),
      ...(config.demo || isDemoElsewhere(config) ? [] : [cleanPart(clock, log)]),
      gatewayPart({
        config,
        folder,
        registry,
        events,
        clock,
        log,
        version,
        reserved: RESERVED,
        address: () => address,
        reportOf: (name) => lifecycle.report(name),
        onGateway: (running) => (gateway = running),
        onServers(servers) {
          profiles.replace(servers.profiles)
          capabilities = capabilitiesIn(servers.capabilities, log)
          events.emit('tools.changed', { provider: 'servers' })
        },
      }),
      httpPart({
        config,
        hub,
        identity,
        mcp,
        log,
        broker: () => broker,
        async finishLogin(answer, signal) {
          if (gateway) return await gateway.finishLogin(answer, signal)
          throw new Fault('unavailable', 'The hub is not ready for logins.', { hint: 'Try again in a moment.' })
        },
        onListen: (url) => (address = url),
      }),
    ],
    { clock, events, log, startTimeoutMs: START_TIMEOUT_MS, stopTimeoutMs: STOP_TIMEOUT_MS },
  )
  return { lifecycle, door, hub, mcp, broker: () => broker, address: () => address }
}

/** Names that a server behind the hub cannot have: those of services and of the hub's own parts. */
export const RESERVED = [
  ...services.map(({ name }) => name),
  'hub',
  'store',
  'broker',
  'bus',
  'http',
  'requests',
  'servers',
  'processes',
]

/** The servers behind the hub stand beside its own parts wherever somebody asks how things are. */
function serverParts(gateway: RunningGateway | undefined): PartReport[] {
  return (gateway?.servers() ?? []).map(({ id, needs, status, sinceMs, reason }) => ({
    name: id,
    needs,
    status,
    sinceMs,
    ...(reason !== undefined && { reason }),
  }))
}

/** Those that this process runs. Throws Fault `invalid_input` for one to leave out that does not exist. */
function ownServices(config: Config, changing: Changing): readonly Service[] {
  const { without } = config
  const unknown = without.find((name) => !services.some((service) => service.name === name))
  if (unknown !== undefined)
    throw new Fault('invalid_input', `without: there is no service called ${unknown}.`, {
      hint: `There are: ${services.map(({ name }) => name).join(', ')}.`,
    })
  return servicesFor(config, changing).filter(({ name }) => !without.includes(name))
}

/** Ports that need no start: they are there as soon as they are made. */
function readyParts(ports: Pick<Ports, 'hub' | 'identity' | 'secrets'>): Part[] {
  return Object.entries(ports).map(([name, value]) => readyPart(name, value))
}

export const readyPart = (name: string, value: Ports[keyof Ports]): Part => ({
  name,
  needs: [],
  start: async () => ({ value, stop: async () => {} }),
})

interface MqttPartOptions {
  readonly config: Config
  readonly hub: Hub
  readonly events: Events
  readonly clock: Clock
  readonly log: RootLog
}

/** Every operation as request and response on the bus. */
function mqttPart({ config, hub, events, clock, log }: MqttPartOptions): Part {
  return {
    name: 'requests',
    needs: ['broker', 'bus'],
    async start({ broker, bus }) {
      if (!broker || !bus) throw new TypeError('Requests over MQTT start after the bus.')
      const { invoke, registry, version } = hub
      const { users } = config.broker
      const instance = instanceOf(config)
      return await createMqttAdapter({ broker, bus, registry, invoke, events, log, clock, version, instance, users })
    },
  }
}

/** Whether the demo home of another process may be at the broker: that is none that was left behind. */
const isDemoElsewhere = ({ broker }: Config) => broker.users.some(({ services: own }) => own.includes('demo'))

/** A demo home whose hub was killed leaves retained topics behind; without the demo nobody else would clear them. */
const cleanPart = (clock: Clock, log: RootLog): Part => ({
  name: 'cleaning',
  needs: ['broker', 'bus'],
  async start({ broker, bus }) {
    if (!broker || !bus) throw new TypeError('Cleaning starts after the bus.')
    let isDone = false
    // Not before there is a broker to look at, and once.
    const stop = bus.onConnect(() => {
      if (isDone) return
      isDone = true
      clearDemoHome({ bus, broker, clock, log }).catch((error: unknown) =>
        log.warn('what a demo home left could not be cleared', { error }),
      )
    })
    return { stop: async () => stop() }
  },
})

/** The keys that the configuration names, or those in the data folder. */
export const secretsOf = (config: Config, folder: DataFolder, log: RootLog): Keyring =>
  loadSecrets({
    file: folder.file('secret.key'),
    log,
    ...(config.secretKey !== undefined && { fromEnvironment: config.secretKey }),
  })

/** This hub's name among others at one broker: a topic level. Two on one machine differ in their port. */
function instanceOf({ port }: Config): string {
  const name = hostname().replaceAll(/[^A-Za-z0-9_-]/g, '-')
  return port === 8765 ? name : `${name}-${port}`
}

function urlsOf(http: string, broker: OwnBroker | undefined): RunningHub['urls'] {
  const webSocket = broker?.accept ? `${http.replace(/^http/, 'ws')}/mqtt` : broker?.webSocketUrl
  return {
    http,
    mcp: `${http}/mcp`,
    mqtt: broker?.url ?? '',
    ...(webSocket !== undefined && { mqttWebSocket: webSocket }),
  }
}

/** What must never stand in the log. */
export function* secretsIn(config: Config): Generator<string> {
  if (config.token !== undefined) yield config.token
  yield* config.secretKey?.split(',') ?? []
  for (const { password } of config.broker.users) yield password
  const urls = [config.database.url, config.broker.kind === 'remote' ? config.broker.url : undefined]
  for (const url of urls) {
    const password = url === undefined ? '' : (URL.parse(url)?.password ?? '')
    yield password
    yield decodeURIComponent(password)
  }
}

export function once(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => (running ??= task())
}
