import { Fault } from '../kernel/fault.ts'
import type { ServerDefinition } from '../kernel/mcp/server-definition.ts'
import { nearest } from '../kernel/nearest.ts'
import type { Gateway, LoginAnswer, ServerReport } from '../kernel/ports.ts'
import type { StatusReport } from '../kernel/status.ts'
import { createNeeds } from './life/needs-graph.ts'
import type { Logins } from './oauth/logins.ts'
import { createUpstream, type Upstream } from './upstream/upstream.ts'
import type { UpstreamParts } from './upstream/parts.ts'
import { rememberNames } from './upstream/remembered-names.ts'
import { unusableProvider, unusableReport, type Unusable } from './upstream/unusable.ts'

export interface GatewayOptions extends Omit<UpstreamParts, 'needs'> {
  readonly logins: Logins
  /** How a part of the hub does; undefined: there is none of that name. */
  statusOf(name: string): StatusReport | undefined
  /** Reads the configuration now and applies it. Throws Fault. */
  reload: Gateway['reload']
}

/** What the configuration asks for. */
export interface Wanted {
  readonly definitions: readonly ServerDefinition[]
  /** Servers that stand in the configuration and cannot be run: they are listed with the reason. */
  readonly unusable: readonly Unusable[]
}

export interface RunningGateway extends Gateway {
  /** Makes it so: a server whose definition did not change goes on undisturbed. */
  apply(wanted: Wanted): Promise<void>
  /** Forgets the logins of somebody who is there no more. */
  leave(person: string, signal: AbortSignal): Promise<void>
  /** Ends every server. Never throws. */
  close(): Promise<void>
}

/** All the MCP servers behind the hub. */
export function createGateway(options: GatewayOptions): RunningGateway {
  const { registry, events, clock, logins } = options
  const upstreams = new Map<string, Upstream>()
  const unusable = new Map<string, Unusable & { readonly sinceMs: number }>()

  const needsOf = (servers: readonly ServerDefinition[]) =>
    createNeeds({
      servers: servers.map(({ id, needs }) => ({ name: id, needs })),
      statusOf: (name) =>
        upstreams.get(name)?.report() ?? unusableReports().find(({ id }) => id === name) ?? options.statusOf(name),
      events,
      now: () => clock.now(),
    })
  let needs = needsOf([])
  /** Servers that end, of this change and of those before it. */
  let leaving: Promise<unknown> = Promise.resolve()

  const stopRemembering = rememberNames(options)

  const parts: UpstreamParts = {
    ...options,
    needs: {
      blockedBy: (id) => needs.blockedBy(id),
      isNeeded: (id) => needs.isNeeded(id),
    },
  }

  const unusableReports = () => [...unusable.values()].map(unusableReport)

  const find = (name: string): Upstream => {
    const upstream = upstreams.get(name) ?? [...upstreams.values()].find(({ definition }) => definition.name === name)
    if (upstream) return upstream
    const broken = [...unusable.values()].find((one) => one.id === name || one.name === name)
    if (broken)
      throw new Fault('conflict', `${broken.name} cannot be run: ${broken.reason}.`, {
        hint: 'Mend the configuration; it is read again by itself.',
      })
    throw unknownServer(name, servers())
  }

  const servers = (): ServerReport[] =>
    [...[...upstreams.values()].map((upstream) => upstream.report()), ...unusableReports()].sort((a, b) =>
      a.id < b.id ? -1 : 1,
    )

  const remove = async (id: string, why?: string) => {
    const upstream = upstreams.get(id)
    upstreams.delete(id)
    logins.forget(id)
    await upstream?.close(why)
  }

  /** One that cannot be made takes nobody along: what is remembered of it came from somebody else's program. */
  const create = (definition: ServerDefinition) => {
    const { id, name, enabled } = definition
    try {
      upstreams.set(id, createUpstream(definition, parts))
    } catch (error) {
      options.log.error('a server could not be prepared', { server: id, error })
      const reason = 'the hub could not prepare it; its log says why'
      unusable.set(id, { id, name, enabled, reason, sinceMs: clock.now() })
    }
  }

  const apply = async ({ definitions, unusable: broken }: Wanted) => {
    const enabled = definitions.filter((definition) => definition.enabled)
    const wanted = new Map(enabled.map((definition) => [definition.id, definition]))
    const gone = [...upstreams].filter(([id, { definition }]) => wanted.get(id)?.fingerprint !== definition.fingerprint)
    leaving = Promise.all([
      leaving.catch(() => undefined),
      ...gone.map(([id]) => remove(id, 'its configuration changed')),
    ])
    const brokenNow = broken.filter((one) => one.enabled)
    const staying = new Set([...wanted.keys(), ...brokenNow.map(({ id }) => id)])
    for (const id of [...gone.map(([id]) => id), ...unusable.keys()]) if (!staying.has(id)) registry.remove(id)
    const before = new Map(unusable)
    unusable.clear()
    for (const one of brokenNow) {
      const sinceMs = before.get(one.id)?.sinceMs ?? clock.now()
      unusable.set(one.id, { ...one, sinceMs })
      registry.add(unusableProvider({ ...one, sinceMs }))
    }
    // In the order of the configuration: the first of two that collide has the name without a prefix.
    const fresh = enabled.filter(({ id }) => !upstreams.has(id))
    needs.close()
    needs = needsOf(enabled)
    for (const definition of fresh) create(definition)
    for (const [id, upstream] of upstreams) needs.watch(id, () => upstream.needsChanged())
    const begun = fresh.flatMap(({ id }) => upstreams.get(id) ?? [])
    // What an old one leaves behind (a port, a lock) must be gone before the new one starts.
    await leaving
    for (const upstream of begun) if (upstreams.get(upstream.definition.id) === upstream) upstream.begin()
  }

  return {
    apply,
    servers,
    async server(name) {
      const broken = unusableReports().find((one) => one.id === name || one.name === name)
      if (broken) return broken
      const upstream = find(name)
      const usage = await upstream.usage()
      return {
        ...upstream.report(),
        ...(usage && { memoryMegabytes: usage.megabytes, cpuSeconds: usage.cpuSeconds }),
      }
    },
    log: (name, most) => find(name).log(most),
    start: async (name, signal) => await find(name).start(signal),
    restart: async (name, signal) => await find(name).restart(signal),
    stop: async (name) => await find(name).stop(),
    check: async (name, signal) => await find(name).check(signal),
    setBalance: async (name, change) => await find(name).setBalance(change),
    async login(name, caller, signal) {
      return await logins.begin(find(name).definition, caller, signal)
    },
    async logout(name, caller, signal) {
      await logins.logout(find(name).definition, caller, signal)
    },
    waitingLogin: logins.waiting,
    async finishLogin(answer: LoginAnswer, signal, account) {
      const { id, person } = await logins.finish(answer, signal, account)
      upstreams.get(id)?.loggedIn(person)
      return id
    },
    leave: (person, signal) =>
      logins.leave(
        person,
        [...upstreams.values()].map(({ definition }) => definition),
        signal,
      ),
    held: (name) => (name === undefined ? [...upstreams.values()] : [find(name)]).flatMap((one) => one.held()),
    approve: async (name, tools) => await find(name).approve(tools),
    reload: options.reload,
    async close() {
      needs.close()
      stopRemembering()
      await Promise.all([...upstreams.keys()].map((id) => remove(id)))
    },
  }
}

function unknownServer(name: string, known: readonly ServerReport[]): Fault {
  const meant = nearest(
    name,
    known.map(({ id }) => id),
  )
  return new Fault('not_found', `There is no MCP server called ${JSON.stringify(name.slice(0, 100))}.`, {
    hint: meant === undefined ? 'list_servers says which there are.' : `Did you mean ${meant}?`,
  })
}
