import type { Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import { OWNER } from '../../kernel/identity.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { BalanceChange, HeldToolReport, ServerLogLine, ServerReport, ToolApproval } from '../../kernel/ports.ts'
import type { Provider } from '../../kernel/registry.ts'
import { verdictOf } from '../../kernel/resilience/blame.ts'
import { createGroup, type CallKind, type Group } from '../../kernel/resilience/group.ts'
import type { CallContext, Tool } from '../../kernel/tool.ts'
import type { Connection } from '../connection/connection.ts'
import type { LifeState } from '../life/state.ts'
import type { ListKind } from '../relay/relay-options.ts'
import { memoryOf } from '../process/process-table.ts'
import { createStderrRing } from '../process/stderr-lines.ts'
import { fetchLists } from './fetch-lists.ts'
import { HUB_CAPABILITIES } from './hub-face.ts'
import { createInstance, type Instance } from './instance.ts'
import { createKnownLists } from './known-lists.ts'
import { NO_LISTS } from './listed.ts'
import { methodsOf } from './methods.ts'
import type { UpstreamParts } from './parts.ts'
import type { HeldTool } from './pins.ts'
import { createRefreshes } from './refreshes.ts'
import { rememberedBalance } from './remembered-balance.ts'
import { serverReport } from './report.ts'
import { requestHeaders } from './request-headers.ts'
import { toolsOf, type PassedRequest } from './tools.ts'
import { traced } from './traced.ts'

/** Another MCP server behind the hub, whatever it is made of: replicas, a connection for each person. */
export interface Upstream {
  readonly definition: ServerDefinition
  report(): ServerReport
  /** Of all its processes; undefined: it has none that runs here. */
  memoryMegabytes(): Promise<number | undefined>
  log(most: number): readonly ServerLogLine[]
  /** Milliseconds to the first answer of those replicas that are up. Throws Fault when none is. */
  check(signal: AbortSignal): Promise<number>
  /** Throws Fault `not_found` for a weight of a replica that is not there. */
  setBalance(change: BalanceChange): Promise<void>
  held(): readonly HeldToolReport[]
  approve(tools?: readonly ToolApproval[]): Promise<readonly string[]>
  /** Starts what starts by itself. */
  begin(): void
  /** Resolves when it is up. Throws Fault. */
  start(signal: AbortSignal): Promise<void>
  restart(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
  /** Somebody logged in: what waited for that goes on. */
  loggedIn(person: string): void
  /** Something it needs came or went. */
  needsChanged(): void
  /** Ends it; its tools stay in the registry, which is the owner's to clear. */
  close(): Promise<void>
}

const REFRESH_LIMIT_MS = 60_000
/** People with a connection of their own, where a server asks each for a login. */
const MOST_PERSONS = 64

export function createUpstream(definition: ServerDefinition, parts: UpstreamParts): Upstream {
  const { id } = definition
  const { clock, registry, events, memory } = parts
  const log = parts.log.child({ server: id })
  const ring = createStderrRing(clock)
  const known = createKnownLists(definition, memory, clock)
  const balance = rememberedBalance(definition, memory)
  const closing = new AbortController()
  let tools: Tool[] = []
  let held: HeldTool[] = []
  /** Lists that the server itself said have changed: its clients hear so, whatever is found. */
  const announced = new Set<ListKind>()

  const groupFor = (person?: Caller): { group: Group<Connection>; instances: readonly Instance[] } => {
    const instances = definition.replicas.map((replica, at) =>
      createInstance({
        parts,
        definition,
        replica,
        id: at === 0 ? id : `${id}#${at + 1}`,
        ...(person && { person }),
        log: ring,
        onState: (state) => onState(state, person),
        onListChanged: (kind) => {
          announced.add(kind)
          refreshes.announced()
        },
        onResourceUpdated: (uri) =>
          events.emit('resource.updated', { provider: id, uri, ...(person && { caller: person.id }) }),
      }),
    )
    const group = createGroup({
      name: id,
      members: instances,
      strategy: definition.balance,
      limits: { concurrency: definition.concurrency, queue: definition.queue },
      ...(definition.hedgeAfterMs !== undefined && { hedgeAfterMs: definition.hedgeAfterMs }),
      clock,
    })
    group.configure(balance.read())
    return { group, instances }
  }

  const onState = (state: LifeState, person: Caller | undefined) => {
    ring.push(`— ${wordsOf(state)}`)
    if (person) return
    announce()
    if (state.is === 'ready') refreshes.now()
  }

  let said = ''
  const announce = () => {
    const { status, reason } = shared.group.report()
    const now = `${status} ${reason}`
    if (now === said) return
    said = now
    events.emit('status.changed', { name: id, status, ...(reason !== undefined && { reason }) })
  }

  const shared = groupFor()
  const personal = new Map<string, ReturnType<typeof groupFor>>()

  /** Where a server knows its users, nobody calls it with somebody else's login. */
  const placeOf = (caller: Caller) => {
    if (caller.id === OWNER.id || caller.via === 'internal' || !isPersonal()) return shared
    const own = personal.get(caller.id)
    if (own) return own
    if (personal.size >= MOST_PERSONS && !makeRoom())
      throw new Fault('unavailable', `${id} has connections for ${MOST_PERSONS} people already.`, {
        hint: 'Connections that nobody uses are closed after a while.',
        retryAfterMs: 60_000,
      })
    const made = groupFor(caller)
    personal.set(caller.id, made)
    return made
  }
  /** The first whose connections have ended makes room: tokens come and go, and each is somebody else here. */
  const makeRoom = (): boolean => {
    const ended = [...personal].find(([, { instances }]) => instances.every(({ life }) => !isUnderWay(life.state)))
    if (!ended) return false
    const [person, { instances }] = ended
    personal.delete(person)
    for (const instance of instances) void instance.close()
    return true
  }
  const isPersonal = () =>
    definition.oauth?.grant === 'authorization_code' || (!definition.oauth && memory.get(id, 'protected') === true)

  const pass = (request: PassedRequest, context: CallContext): Promise<RelayedResult> => {
    const { group, instances } = placeOf(context.caller)
    // A call that waits for its client waits in one place.
    const holder = instances.length > 1 && instances.find(({ relay }) => relay.holds(request.method, request.params))
    const connection = holder ? holder.current() : undefined
    if (connection) return send({ request, context, connection, signal: context.signal, instances })
    const kind = request.repeatable ? REPEATABLE : ONCE
    return group.run(
      (connection, signal) => send({ request, context, connection, signal, instances }),
      context.signal,
      kind,
    )
  }

  const publish = () => {
    const made = toolsOf(definition, known.lists.tools, known.pins, pass)
    tools = made.tools
    held = made.held
    registry.add(providerOf())
  }

  const providerOf = (): Provider => {
    const { prompts, resources, templates, capabilities, instructions, ttlMs } = known.lists
    return {
      id,
      kind: 'upstream',
      tools,
      offers: {
        prompts,
        resources,
        templates,
        capabilities,
        ...(instructions !== undefined && { instructions }),
        ...(ttlMs !== undefined && { ttlMs }),
        methods,
      },
      report: () => shared.group.report(),
    }
  }

  const refreshes = createRefreshes(clock, () =>
    refresh().catch((error: unknown) => {
      if (!closing.signal.aborted) log.warn('its lists could not be read', { error })
    }),
  )

  /** Whoever starts it wants to find its tools. */
  const listed = () => {
    refreshes.now()
    return refreshes.settled()
  }

  const refresh = async () => {
    const connection = shared.instances.map((instance) => instance.current()).find((current) => current !== undefined)
    if (!connection) return
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(REFRESH_LIMIT_MS)])
    const face = { clientInfo: parts.clientInfo, capabilities: HUB_CAPABILITIES }
    const lists = await fetchLists(id, connection, face, signal)
    const before = known.lists
    const told = new Set(announced)
    announced.clear()
    const isNew = await known.learn(lists)
    if ((!isNew && told.size === 0) || closing.signal.aborted) return
    const isSame = (kind: 'tools' | 'prompts' | 'resources' | 'templates') =>
      !told.has(kind === 'templates' ? 'resources' : kind) &&
      JSON.stringify(before[kind]) === JSON.stringify(lists[kind])
    if (isSame('tools')) registry.add(providerOf())
    else publish()
    if (!isSame('prompts')) events.emit('prompts.changed', { provider: id })
    if (!isSame('resources') || !isSame('templates')) events.emit('resources.changed', { provider: id })
    if (held.length > 0) log.warn('tools are held back until a person looks at them', { tools: held.map(nameOf) })
  }

  const methods = methodsOf(id, pass, definition.timeoutMs)
  publish()

  const everybody = () => [...shared.instances, ...[...personal.values()].flatMap(({ instances }) => instances)]
  const memoryMegabytes = async () => {
    const pids = everybody().flatMap((instance) => instance.pid() ?? [])
    const each = await Promise.all(pids.map(memoryOf))
    return pids.length === 0 ? undefined : each.reduce<number>((sum, megabytes = 0) => sum + megabytes, 0)
  }

  return {
    definition,
    report: () =>
      serverReport({
        definition,
        ...shared,
        lists: known.lists,
        tools: tools.length - held.length,
        held: held.length,
        interactive: memory.get(id, 'asks') !== undefined,
      }),
    memoryMegabytes,
    log: (most) => ring.lines().slice(-most),
    async check(signal) {
      const up = shared.instances.filter((instance) => instance.current() !== undefined)
      return await Promise.any((up.length > 0 ? up : shared.instances).map((one) => one.check(signal))).catch(
        rethrowFirst,
      )
    },
    async setBalance(change) {
      for (const { group } of [shared, ...personal.values()]) group.configure(change)
      await balance.add(change)
    },
    held: () => held.map((tool) => ({ ...tool, server: id })),
    async approve(approvals = held) {
      await known.approve(approvals)
      publish()
      return approvals.map(nameOf)
    },
    begin() {
      // No call can start one whose tools nobody knows.
      if (definition.start === 'eager' || known.lists === NO_LISTS || parts.needs.isNeeded(id))
        for (const { life } of shared.instances) life.start()
    },
    async start(signal) {
      for (const { life } of shared.instances) life.start()
      await Promise.all(shared.instances.map((instance) => instance.obtain(signal)))
      await listed()
    },
    async restart(signal) {
      for (const { life } of shared.instances) life.restart()
      await Promise.all(shared.instances.map((instance) => instance.obtain(signal)))
      await listed()
    },
    async stop() {
      await Promise.all(everybody().map(({ life }) => life.stop('it was stopped on request')))
    },
    loggedIn(person) {
      for (const { life } of (person === OWNER.id ? shared : personal.get(person))?.instances ?? []) life.loginDone()
    },
    needsChanged() {
      for (const { life } of shared.instances) life.needsChanged()
    },
    async close() {
      closing.abort(new Fault('unavailable', `${id} was removed or changed.`))
      const refreshed = refreshes.close()
      await Promise.all(everybody().map((instance) => instance.close()))
      await refreshed
    },
  }
}

const REPEATABLE: CallKind = { repeatable: true, hedged: true }
const ONCE: CallKind = { repeatable: false, hedged: false }

const rethrowFirst = (error: AggregateError): never => {
  throw error.errors[0]
}

const nameOf = ({ name }: ToolApproval) => name

const isUnderWay = ({ is }: LifeState) => is === 'starting' || is === 'ready' || is === 'degraded'

interface Sending {
  readonly request: PassedRequest
  readonly context: CallContext
  readonly connection: Connection
  readonly signal: AbortSignal
  readonly instances: readonly Instance[]
}

function send(sending: Sending): Promise<RelayedResult> {
  const { request, context, instances } = sending
  if (!context.span) return sendTo(sending)
  const instance = instances.find((one) => one.current() === sending.connection)
  return traced(context.span, request, instance?.id ?? '', (own) => sendTo({ ...sending, request: own }))
}

async function sendTo({ request, context, connection, signal, instances }: Sending): Promise<RelayedResult> {
  const { method, params, tool } = request
  const instance =
    instances.length === 1 ? instances[0] : instances.find((candidate) => candidate.current() === connection)
  if (!instance) throw new Fault('unavailable', 'The connection broke before the request was sent.')
  const { relay, life } = instance
  const own = signal === context.signal ? context : { ...context, signal }
  const headers =
    connection.correlates && connection.revision === MODERN_REVISION
      ? requestHeaders(method, JSON.parse(params) as Record<string, unknown>, tool)
      : undefined
  life.busy(1)
  try {
    const result = await relay.request(method, params, own, headers)
    life.noteSuccess()
    return result
  } catch (error) {
    const verdict = verdictOf(error, Number.POSITIVE_INFINITY)
    if (verdict === 'answer') life.noteSuccess()
    else if (verdict === 'failure') life.noteFailure(error instanceof Error ? error.message : String(error))
    throw error
  } finally {
    life.busy(-1)
  }
}

function wordsOf(state: LifeState): string {
  const reason = 'reason' in state && state.reason !== undefined ? `: ${state.reason}` : ''
  return `${state.is.replace('_', ' ')}${reason}`
}
