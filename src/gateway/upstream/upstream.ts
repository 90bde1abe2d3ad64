import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { BalanceChange, HeldToolReport, ServerLogLine, ServerReport, ToolApproval } from '../../kernel/ports.ts'
import type { LifeState } from '../life/state.ts'
import { usageOf, type Usage } from '../process/process-table.ts'
import { createStderrRing } from '../process/stderr-lines.ts'
import { createOffering } from './offering.ts'
import type { UpstreamParts } from './parts.ts'
import { createPlaces } from './places.ts'
import { rememberedBalance } from './remembered-balance.ts'
import { serverReport } from './report.ts'
import { passTo } from './sending.ts'

/** Another MCP server behind the hub, whatever it is made of: replicas, a connection for each person. */
export interface Upstream {
  readonly definition: ServerDefinition
  report(): ServerReport
  /** Of all its processes; undefined: it has none that runs here. */
  usage(): Promise<Usage | undefined>
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
  /** Ends it; its tools stay in the registry, which is the owner's to clear. `why`: as that of a life. */
  close(why?: string): Promise<void>
}

export function createUpstream(definition: ServerDefinition, parts: UpstreamParts): Upstream {
  const { id } = definition
  const { clock, events, memory } = parts
  const ring = createStderrRing(clock)
  const balance = rememberedBalance(definition, memory)
  const offering = createOffering({
    definition,
    parts,
    log: parts.log.child({ server: id }),
    pass: (request, context) => passTo(places.of(context.caller), request, context),
    place: () => places.shared,
  })

  let said = ''
  const announce = () => {
    const { status, reason } = places.shared.group.report()
    const now = `${status} ${reason}`
    if (now === said) return
    said = now
    events.emit('status.changed', { name: id, status, ...(reason !== undefined && { reason }) })
  }

  const places = createPlaces({
    definition,
    parts,
    ring,
    balance,
    onState(state, person) {
      ring.push(`— ${wordsOf(state)}`)
      if (person) return
      announce()
      if (state.is === 'ready') offering.refresh()
    },
    onListChanged: (kind) => offering.announced(kind),
    onGap: () => offering.mayHaveChanged(),
  })
  offering.publish()

  const shared = () => places.shared.instances
  const everybody = () => places.all().flatMap(({ instances }) => instances)

  /** Whoever starts it wants to find its tools. */
  const up = async (signal: AbortSignal) => {
    await Promise.all(shared().map(({ life }) => life.started(signal)))
    offering.refresh()
    await offering.settled()
  }

  return {
    definition,
    report: () =>
      serverReport({
        definition,
        ...places.shared,
        lists: offering.lists,
        tools: offering.tools.length - offering.held.length,
        held: offering.held.length,
        interactive: memory.get(id, 'asks') !== undefined,
      }),
    async usage() {
      const pids = everybody().flatMap((instance) => instance.pid() ?? [])
      const each = (await Promise.all(pids.map(usageOf))).filter((usage) => usage !== undefined)
      return pids.length === 0 ? undefined : each.reduce(added, { megabytes: 0, cpuSeconds: 0 })
    },
    log: (most) => ring.lines().slice(-most),
    async check(signal) {
      const ready = shared().filter((instance) => instance.current() !== undefined)
      const asked = (ready.length > 0 ? ready : shared()).map((instance) => instance.check(signal))
      return await Promise.any(asked).catch(rethrowFirst)
    },
    async setBalance(change) {
      for (const { group } of places.all()) group.configure(change)
      await balance.add(change)
    },
    held: () => offering.held.map((tool) => ({ ...tool, server: id })),
    async approve(approvals = offering.held) {
      await offering.approve(approvals)
      return approvals.map(({ name }) => name)
    },
    begin() {
      // No call can start one whose tools nobody knows.
      if (definition.start === 'eager' || !offering.isKnown || parts.needs.isNeeded(id))
        for (const { life } of shared()) life.start()
    },
    async start(signal) {
      for (const { life } of shared()) life.start()
      await up(signal)
    },
    async restart(signal) {
      for (const { life } of shared()) life.restart()
      await up(signal)
    },
    async stop() {
      await Promise.all(everybody().map(({ life }) => life.stop('it was stopped on request')))
    },
    loggedIn(person) {
      for (const { life } of places.ofPerson(person)?.instances ?? []) life.loginDone()
    },
    needsChanged() {
      for (const { life } of shared()) life.needsChanged()
      // No state of its own changed, but those that need it in turn are blocked by now.
      announce()
    },
    async close(why) {
      const read = offering.close()
      await Promise.all(everybody().map((instance) => instance.close(why)))
      await read
    },
  }
}

const added = (a: Usage, b: Usage): Usage => ({
  megabytes: a.megabytes + b.megabytes,
  cpuSeconds: a.cpuSeconds + b.cpuSeconds,
})

const rethrowFirst = (error: AggregateError): never => {
  throw error.errors[0]
}

function wordsOf(state: LifeState): string {
  const reason = 'reason' in state && state.reason !== undefined ? `: ${state.reason}` : ''
  return `${state.is.replace('_', ' ')}${reason}`
}
