import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import type { RunningHub } from '../adapters/cli/hub.ts'
import type { Config } from '../config.ts'
import { openDataFolder, type DataFolder } from '../engines/data-folder.ts'
import { hostWill, startBusHost, type BusHost } from '../gateway/bus/host.ts'
import { isLevel, type Place } from '../gateway/bus/topics.ts'
import { noAudit, type Audit } from '../kernel/audit.ts'
import { systemClock } from '../kernel/clock.ts'
import { createEvents } from '../kernel/events.ts'
import { shieldJson } from '../kernel/json-shield.ts'
import { Fault } from '../kernel/fault.ts'
import { openDoor } from '../kernel/invoke.ts'
import { createLifecycle, type Lifecycle, type Part } from '../kernel/lifecycle.ts'
import { createMetrics } from '../kernel/metrics.ts'
import { createPolicy } from '../kernel/policy.ts'
import { createRegistry } from '../kernel/registry.ts'
import type { Service } from '../kernel/service.ts'
import { servicesFor } from '../services.ts'
import { keepingOf, redactionOf, trailPart } from './audit.ts'
import { brokerPart, busPart, storePart } from './engines.ts'
import type { StartOptions } from './assemble.ts'
import { withSecrets } from './config-secrets.ts'
import { keyParts } from './key-parts.ts'
import { CALLS_GRACE_MS, START_TIMEOUT_MS, STOP_TIMEOUT_MS } from './limits.ts'
import { secretsIn } from './secrets.ts'
import { once } from './start.ts'
import { startAgain } from './start-again.ts'

/** What a service can have in a process of its own: the rest is the hub's, and there is one of it. */
const PORTS: ReadonlySet<string> = new Set(['store', 'secrets', 'broker', 'bus'])

/** Runs the services of `only` for a hub at the same broker, and nothing else: no HTTP, no MCP. Throws Fault. */
export async function startServices(given: Config, options: StartOptions): Promise<RunningHub> {
  shieldJson()
  const { log } = options
  const config = withSecrets(given)
  for (const secret of secretsIn(config)) log.hide(secret)
  const { chosen, others } = choice(config)
  const login = loginOf(config)
  const folder = openDataFolder({ path: config.data, log, ...(config.token !== undefined && { token: config.token }) })
  log.hide(folder.token)
  const place = { login, instance: instanceOf(folder) }
  const { lifecycle, stopCalls, brokerUrl } = assemble({ config, folder, chosen, others, place }, options)
  let endAttempts = () => {}
  const stop = once(async () => {
    endAttempts()
    await stopCalls()
    await lifecycle.stop()
    folder.close()
  })
  try {
    await lifecycle.start()
    endAttempts = startAgain(lifecycle.control, systemClock)
    return {
      urls: { http: '', mcp: '', mqtt: brokerUrl() },
      services: chosen.map(({ name }) => name),
      tokenFile: undefined,
      parts: () => lifecycle.reports(),
      stop,
      serveStdio: () =>
        Promise.reject(
          new Fault('conflict', 'Services that run alone speak no MCP.', { hint: 'Connect to the hub they run for.' }),
        ),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Ingredients {
  readonly config: Config
  readonly folder: DataFolder
  readonly chosen: readonly Service[]
  readonly others: readonly Service[]
  readonly place: Place
}

function assemble({ config, folder, chosen, others, place }: Ingredients, { log, version }: StartOptions) {
  const clock = systemClock
  const boot = crypto.randomUUID()
  const events = createEvents((error) => log.error('a listener failed', { error }))
  const registry = createRegistry(events)
  let audit: Audit = noAudit
  let host: BusHost | undefined
  let url = ''
  // How often somebody may ask is the hub's to say: here all of its callers come together.
  const callsPerMinute = Number.POSITIVE_INFINITY
  const policy = createPolicy({ callsPerMinute, timeoutMs: config.limits.timeoutSeconds * 1000 })
  const redact = redactionOf(config, log)
  const late: Audit = { record: (entry) => audit.record(entry) }
  const metrics = createMetrics({ clock })
  const door = openDoor({
    registry,
    policy,
    metrics,
    audit: late,
    keepArguments: keepingOf(config, redact),
    clock,
    log,
    checkOutput: config.checkResults,
  })
  const engines = { config, folder, clock, log }
  const hostPart: Part = {
    name: 'requests',
    needs: ['broker', 'bus'],
    essential: true,
    async start({ broker, bus }) {
      if (!broker || !bus) throw new TypeError('Calls are taken after the bus.')
      const { invoke } = door
      const running = await startBusHost({
        bus,
        broker,
        invoke,
        registry,
        events,
        clock,
        log,
        version,
        place,
        others: others.map(({ name }) => name),
        boot,
      })
      host = { stop: once(() => running.stop(CALLS_GRACE_MS)) }
      return { stop: () => host?.stop(0) ?? Promise.resolve() }
    },
  }
  const lifecycle: Lifecycle = createLifecycle(
    [
      storePart(engines),
      trailPart({ ...engines, events, redact, onAudit: (running) => (audit = running ?? noAudit) }),
      brokerPart(engines, (running) => (url = running.url)),
      busPart(engines, place.instance, hostWill(place, boot)),
      ...keyParts({ config, folder, clock, log }),
      ...chosen.map((service) =>
        service.join({ clock, events, log: log.child({ service: service.name }) }, registry, () =>
          lifecycle.report(service.name),
        ),
      ),
      hostPart,
    ],
    { clock, events, log, startTimeoutMs: START_TIMEOUT_MS, stopTimeoutMs: STOP_TIMEOUT_MS },
  )
  const stopCalls = async () => {
    await host?.stop(CALLS_GRACE_MS)
    await door.close(0)
  }
  return { lifecycle, stopCalls, brokerUrl: () => url }
}

/** Which services this process runs, of those that it could. Throws Fault `invalid_input`. */
function choice(config: Config): Pick<Ingredients, 'chosen' | 'others'> {
  const { only = [] } = config
  const all = servicesFor({ ...config, demo: true }, { capabilities: () => [] })
  const apart = all.filter(({ needs }) => needs.every((need) => PORTS.has(need)))
  for (const name of only) {
    if (apart.some((service) => service.name === name)) continue
    const isKnown = all.some((service) => service.name === name)
    const problem = isKnown ? `The service ${name} is part of a hub` : `There is no service called ${name}`
    throw new Fault('invalid_input', `${problem}, so it cannot run in a process of its own.`, {
      hint: `These can: ${apart.map((service) => service.name).join(', ')}.`,
    })
  }
  const isChosen = ({ name }: Service) => only.includes(name)
  return { chosen: apart.filter(isChosen), others: apart.filter((service) => !isChosen(service)) }
}

/** The login that hubs know the process by: the user of `broker.url`. */
function loginOf({ broker }: Config): string {
  const hint = 'Set ALICIA_BROKER_URL to mqtt://<user>:<password>@<hub>:1883, with a user of the hub’s broker.users.'
  if (broker.kind !== 'remote') throw new Fault('invalid_input', 'Services alone need the broker of a hub.', { hint })
  const login = decodeURIComponent(URL.parse(broker.url)?.username ?? '')
  if (isLevel(login)) return login
  throw new Fault('invalid_input', 'The address of the broker has no user name.', { hint })
}

/** The same after a restart, and another for each folder: two processes of one machine have two. */
function instanceOf({ path }: DataFolder): string {
  const name = hostname()
    .replaceAll(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 60)
  return `${name}-${createHash('sha256').update(path).digest('hex').slice(0, 6)}`
}
