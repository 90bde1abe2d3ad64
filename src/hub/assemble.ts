import { createMcpServer, type McpServer } from '../adapters/mcp/server.ts'
import type { Config } from '../config.ts'
import type { DataFolder } from '../engines/data-folder.ts'
import type { BusDirectory } from '../gateway/bus/directory.ts'
import type { RunningGateway } from '../gateway/gateway.ts'
import { noAudit, type Audit } from '../kernel/audit.ts'
import { systemClock } from '../kernel/clock.ts'
import { createEvents } from '../kernel/events.ts'
import { createIdentity } from '../kernel/identity.ts'
import { openDoor } from '../kernel/invoke.ts'
import { createLoginThrottle } from '../kernel/login-throttle.ts'
import { createLifecycle, type Lifecycle } from '../kernel/lifecycle.ts'
import type { RootLog } from '../kernel/log.ts'
import { createMetrics } from '../kernel/metrics.ts'
import { createPolicy } from '../kernel/policy.ts'
import type { Hub } from '../kernel/ports.ts'
import { createRefusals } from '../kernel/refusals.ts'
import { createSight } from '../kernel/reach.ts'
import { createRegistry } from '../kernel/registry.ts'
import { DEFAULT_ROLES } from '../kernel/role.ts'
import { createTenure } from '../kernel/tenure.ts'
import type { Tracer } from '../kernel/trace.ts'
import { approvalNewsPart, createApprovals } from './approvals.ts'
import { createBoundaries } from './boundaries.ts'
import { keepingOf, redactionOf, trailPart, watched } from './audit.ts'
import { busServicesPart } from './bus-services.ts'
import { capabilitiesIn } from './capabilities.ts'
import { createEconomy } from './context-economy.ts'
import { createAuthorization } from './authorization.ts'
import { createBrokerGuard } from './broker-guard.ts'
import { brokerPart, busPart, storePart, type OwnBroker } from './engines.ts'
import { gatewayPart } from './gateway.ts'
import { httpPart } from './http.ts'
import { createLoginCallback } from './login-callback.ts'
import { loginsPart } from './logins.ts'
import { keyParts } from './key-parts.ts'
import { callerQuotas, START_TIMEOUT_MS, STOP_TIMEOUT_MS } from './limits.ts'
import { createOwnerToken } from './owner-token.ts'
import { ownOrigins } from './own-origins.ts'
import { ownServices, RESERVED } from './own-services.ts'
import { cleanPart, instanceOf, isDemoElsewhere, mqttPart, readyParts, serverParts } from './parts.ts'
import { createPlaces } from './places.ts'
import { peopleOf } from './people.ts'
import { createProfiles } from './profiles.ts'
import { sharedLimitsPart } from './shared-limits.ts'

export interface StartOptions {
  readonly log: RootLog
  readonly version: string
}

/** Told to every model at the start of a conversation. */
const INSTRUCTIONS = [
  'Alicia is the hub of a home.',
  'To look at or control what is on its MQTT broker, begin with establish_connection without arguments: that is the',
  "hub's own broker. Use the session_id it returns in list_topics, subscribe_and_collect and publish_message.",
  'If a call says that something is unavailable, list_services says why.',
].join(' ')

/** Everything a hub is made of, joined and not yet started. */
export function assemble(
  config: Config,
  folder: DataFolder,
  { log, version, tracer }: StartOptions & { tracer?: Tracer },
) {
  const clock = systemClock
  const events = createEvents((error) => log.error('a listener failed', { error }))
  const registry = createRegistry(events)
  const metrics = createMetrics({ clock, servers: () => gateway?.servers() ?? [] })
  events.on('capability.fell_back', ({ capability, to }) => metrics.fellBack(capability, to))
  const identity = watched(createIdentity(folder.token), events)
  let audit: Audit = noAudit
  let broker: OwnBroker | undefined
  let gateway: RunningGateway | undefined
  let directory: BusDirectory | undefined
  let address = ''
  const profiles = createProfiles()
  let capabilities: readonly unknown[] = []
  const refusals = createRefusals({
    clock,
    log,
    count: metrics.refused,
    onReached: (reached) =>
      events.emit('security.noted', {
        kind: 'limit.reached',
        outcome: 'rate_limited',
        via: 'internal',
        details: { ...reached },
      }),
  })
  const places = createPlaces(config)
  const boundaries = createBoundaries({ places, profiles })
  const sight = createSight(boundaries)
  const policy = createPolicy({
    ...config.limits,
    timeoutMs: config.limits.timeoutSeconds * 1000,
    boundaries,
    onRefused: (limit) => refusals.note(limit),
  })
  const tenure = createTenure(events, clock)
  const roles = { ...DEFAULT_ROLES, ...config.roles }
  const approvals = createApprovals({ config, roles, registry, events, tenure, clock, log })
  const redact = redactionOf(config, log)
  const late: Audit = { record: (entry) => audit.record(entry) }
  const door = openDoor({
    registry,
    policy,
    metrics,
    audit: late,
    keepArguments: keepingOf(config, redact),
    clock,
    log,
    ...(tracer && { tracer }),
    approvals,
    checkOutput: config.checkResults,
  })
  const beganMs = clock.monotonic()
  const hub: Hub = {
    invoke: door.invoke,
    registry,
    parts: () => [...lifecycle.reports(), ...serverParts(gateway), ...(directory?.reports() ?? [])],
    version,
    startedMs: clock.now(),
    uptimeMs: () => clock.monotonic() - beganMs,
    metrics: () => metrics.exposition(),
    performance: metrics.performance,
    get control() {
      return lifecycle.control
    },
    gateway: () => gateway,
    processes: () => directory?.groups() ?? [],
  }
  const economy = createEconomy({ clock, events, sight, profiles, limits: config.limits, mcp: () => mcp })
  const mcp: McpServer = createMcpServer({
    registry,
    invoke: door.invoke,
    events,
    clock,
    log,
    version,
    instructions: INSTRUCTIONS,
    profiles,
    sight,
    tenure,
    ...callerQuotas(config, refusals),
    refusals,
    limit: (caller, method) => policy.limits.take(caller, { name: `mcp/${method}` }),
    ...economy.front,
  })
  const engines = { config, folder, clock, log }
  const throttle = createLoginThrottle(clock)
  const running = () => broker
  const guard = createBrokerGuard({ places, throttle, tenure, refusals, events, clock, broker: running })
  const origins = ownOrigins({ ...config, address: () => address })
  const people = peopleOf({ config, roles, origins, throttle })
  const authorization = createAuthorization({
    config,
    otherIssuers: config.auth ? [config.auth.issuer] : [],
    origins,
    profiles,
    registry,
    throttle,
    events,
    clock,
    log,
  })
  const surroundings = { clock, events, log }
  const lifecycle: Lifecycle = createLifecycle(
    [
      storePart(engines),
      trailPart({ ...engines, events, redact, onAudit: (running) => (audit = running ?? noAudit) }),
      ...(config.database.url === undefined ? [] : [sharedLimitsPart(policy.limits, clock, log)]),
      brokerPart({ ...engines, watch: guard.watch }, (running) => (broker = running)),
      busPart(engines, instanceOf(config)),
      ...readyParts({
        hub,
        identity,
        ownerToken: createOwnerToken({ folder, identity, events, log, broker: () => broker }),
      }),
      ...keyParts({ config, folder, clock, log }),
      ...ownServices(config, {
        capabilities: () => capabilities,
        approvals: () => approvals,
        catalog: economy.catalog,
        people,
      }).map((service) =>
        service.join({ ...surroundings, log: log.child({ service: service.name }) }, registry, () =>
          lifecycle.report(service.name),
        ),
      ),
      // Without people there is nobody to log in.
      ...(config.without.includes('people')
        ? []
        : [loginsPart({ config, origins, throttle, events, clock, log }), authorization.part]),
      approvalNewsPart(approvals, { events, log }),
      mqttPart({ config, hub, events, clock, log, holderOf: guard.holderOf }),
      guard.part,
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
        reportOf: (name) => directory?.reports().find((one) => one.name === name) ?? lifecycle.report(name),
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
        authorization,
        sight,
        log,
        refusals,
        quotaOf: policy.limits.quotaOf,
        broker: () => broker,
        loginCallback: createLoginCallback({ config, authorization, events, log, gateway: () => gateway }),
        onListen: (url) => (address = url),
      }),
    ],
    { clock, events, log, startTimeoutMs: START_TIMEOUT_MS, stopTimeoutMs: STOP_TIMEOUT_MS },
  )
  return { lifecycle, door, hub, mcp, broker: () => broker, address: () => address }
}
