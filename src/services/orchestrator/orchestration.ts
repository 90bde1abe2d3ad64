import { Fault } from '../../kernel/fault.ts'
import { nearest } from '../../kernel/nearest.ts'
import type { PartState } from '../../kernel/part-control.ts'
import type { Gateway, Hub, PartReport, ServerReport } from '../../kernel/ports.ts'

type Steered = Pick<Hub, 'control' | 'gateway' | 'parts'>

/**
 * What has a name: a part of the hub, an MCP server behind it, or a service that runs in a process of its own, which whoever
 * runs that process starts and stops.
 */
export type Target =
  | { readonly is: 'part'; readonly part: PartState }
  | { readonly is: 'process'; readonly part: PartReport }
  | { readonly is: 'server'; readonly server: ServerReport; readonly gateway: Gateway }

/** Starts, stops and restarts what has a name, in the order of needs. All throw Fault. */
export interface Orchestration {
  targets(): readonly Target[]
  /** Throws Fault `not_found`. */
  target(name: string): Target
  start(name: string, signal: AbortSignal): Promise<void>
  stop(name: string): Promise<void>
  restart(name: string, signal: AbortSignal): Promise<void>
  /** Everything that goes down with it, servers that need it among them; itself first. */
  affected(name: string): readonly string[]
}

/** `self`: the part that does it, which cannot be stopped by its own hand. */
export function createOrchestration(hub: Steered, self: string): Orchestration {
  const targets = (): Target[] => {
    const gateway = hub.gateway()
    const parts: Target[] = hub.control.states().map((part) => ({ is: 'part', part }))
    const servers: Target[] = (gateway?.servers() ?? []).flatMap((server) =>
      gateway ? [{ is: 'server', server, gateway }] : [],
    )
    const known = new Set([...parts, ...servers].map(nameOf))
    const elsewhere: Target[] = hub
      .parts()
      .filter(({ name }) => !known.has(name))
      .map((part) => ({ is: 'process', part }))
    return [...parts, ...servers, ...elsewhere]
  }

  const target = (name: string): Target => {
    const found = targets().find((one) => nameOf(one) === name)
    if (found) return found
    const meant = nearest(name, targets().map(nameOf))
    throw new Fault('not_found', `There is no service or server called ${JSON.stringify(name.slice(0, 100))}.`, {
      hint: meant === undefined ? 'get_orchestration says which there are.' : `Did you mean ${meant}?`,
    })
  }

  /** Throws Fault `conflict` for what the hub does not run. */
  const steered = (name: string) => {
    const one = target(name)
    if (one.is !== 'process') return one
    throw new Fault('conflict', `${name} runs in a process of its own, which the hub neither starts nor stops.`, {
      hint: `Where it is to run: alicia start --only ${name}; to end it, stop that process.`,
    })
  }

  /** Servers that need it, directly or through each other; each before those that need it in turn. */
  const serversNeeding = (name: string): readonly string[] => {
    const servers = hub.gateway()?.servers() ?? []
    const order: string[] = []
    const seen = new Set<string>()
    const visit = (one: string) => {
      if (seen.has(one)) return
      seen.add(one)
      for (const { id, needs } of servers) if (needs.includes(one)) visit(id)
      order.unshift(one)
    }
    visit(name)
    return order.slice(1)
  }

  const affected = (name: string): readonly string[] => {
    const one = target(name)
    const parts = one.is === 'part' ? hub.control.affected(name) : [name]
    return [...new Set(parts.flatMap((part) => [part, ...serversNeeding(part)]))]
  }

  /** What somebody stopped stays so; what waits for what it needs does so already. */
  const isWanted = (id: string) =>
    hub
      .gateway()
      ?.servers()
      .some((server) => server.id === id && !isStopped(server)) === true

  const refuseOwnEnd = (name: string) => {
    if (!hub.control.affected(name).includes(self)) return
    throw new Fault('conflict', `${name} cannot be stopped: nobody could start it again, since ${self} needs it.`, {
      hint: 'Restart the whole hub instead.',
    })
  }

  /** What a server needs comes first: parts as well as other servers. */
  const startServer = async ({ id, needs }: ServerReport, gateway: Gateway, signal: AbortSignal): Promise<void> => {
    for (const need of needs) {
      const needed = target(need)
      // Nobody here can start a process of its own: the server waits for it.
      if (needed.is === 'process' || isUp(needed)) continue
      if (needed.is === 'part') await hub.control.start(need)
      else await startServer(needed.server, gateway, signal)
    }
    await gateway.start(id, signal)
  }

  return {
    targets,
    target,
    affected,
    async start(name, signal) {
      const one = steered(name)
      if (one.is === 'part') await hub.control.start(name)
      else await startServer(one.server, one.gateway, signal)
    },
    async stop(name) {
      const one = steered(name)
      if (one.is === 'part') {
        refuseOwnEnd(name)
        return await hub.control.stop(name)
      }
      const along = serversNeeding(name).filter(isWanted)
      for (const server of along.toReversed()) await one.gateway.stop(server)
      await one.gateway.stop(name)
      await wantAgain(along, one.gateway)
    },
    async restart(name, signal) {
      const one = steered(name)
      if (one.is === 'part') {
        refuseOwnEnd(name)
        return await hub.control.restart(name)
      }
      const { gateway } = one
      const along = serversNeeding(name).filter(isWanted)
      for (const server of along.toReversed()) await gateway.stop(server)
      try {
        await gateway.restart(name, signal)
      } catch (error) {
        await wantAgain(along, gateway)
        throw error
      }
      for (const server of along) await gateway.start(server, signal)
    },
  }
}

export const nameOf = (target: Target): string => (target.is === 'server' ? target.server.id : target.part.name)

/** One that sleeps until it is called is none. */
const isStopped = ({ state, status }: ServerReport) => state === 'stopped' && status === 'unavailable'

/** Who only says that something is wanted does not wait for it. */
const AT_ONCE = AbortSignal.abort()

/** They were stopped because of something else only: from now on they wait for it, and start when it is there. */
async function wantAgain(servers: readonly string[], gateway: Gateway): Promise<void> {
  await Promise.allSettled(servers.map((id) => gateway.start(id, AT_ONCE)))
}

const isUp = (target: Exclude<Target, { readonly is: 'process' }>): boolean =>
  target.is === 'part' ? target.part.state === 'running' : target.server.state === 'ready'
