import type { Clock } from './clock.ts'
import type { Events } from './events.ts'
import type { Part } from './lifecycle.ts'
import type { Log } from './log.ts'
import type { Operation } from './operation.ts'
import type { Ports } from './ports.ts'
import { methodTool, type OfferSpec } from './offer.ts'
import type { Provider, Registry } from './registry.ts'
import type { StatusReport } from './status.ts'
import type { Tool } from './tool.ts'

/** What every service gets, whatever it needs. */
export interface Surroundings {
  readonly clock: Clock
  readonly events: Events
  readonly log: Log
}

export interface ServiceSpec<Need extends keyof Ports, Deps> {
  /** The first half of its operations' names. */
  name: string
  /** One sentence: what it is for. */
  summary: string
  needs: readonly Need[]
  /** Known before the service runs, so that a broken service is listed with its reason instead of missing. */
  operations: readonly Operation<Deps>[]
  /** What MCP clients get of it besides its operations. */
  offers?: OfferSpec<Deps>
  /** Throws when it cannot work; the signal aborts when it takes too long or the hub stops meanwhile. */
  start(ports: Pick<Ports, Need> & Surroundings, signal: AbortSignal): Promise<Running<Deps>>
}

export interface Running<Deps> {
  /** What the operations' handlers work on. */
  deps: Deps
  /** What parts that need this service get, where it has the name of a port. */
  port?: Ports[keyof Ports]
  stop?(): Promise<void>
}

/** A service whose inner types are its own affair. */
export interface Service {
  readonly name: string
  readonly summary: string
  readonly needs: readonly (keyof Ports)[]
  readonly operations: readonly Pick<Operation<never>, 'name' | 'meta'>[]
  /** The service as a part of the hub's life, and as a provider of tools from the first moment on. */
  join(surroundings: Surroundings, registry: Registry, report: () => StatusReport): Part
}

/** Throws TypeError when an operation's name does not begin with the service's. */
export function service<Need extends keyof Ports, Deps>(spec: ServiceSpec<Need, Deps>): Service {
  for (const { name } of spec.operations)
    if (!name.startsWith(`${spec.name}.`)) throw new TypeError(`${name} does not belong to service ${spec.name}.`)
  return {
    name: spec.name,
    summary: spec.summary,
    needs: spec.needs,
    operations: spec.operations,
    join(surroundings, registry, report) {
      let deps: Deps | undefined
      const { name, offers } = spec
      const provider: Provider = {
        id: name,
        kind: 'service',
        tools: spec.operations.map((operation) => lateBound(operation, () => deps)),
        ...(offers && {
          offers: { ...offers, methods: offers.methods.map((method) => methodTool(name, method, () => deps as Deps)) },
        }),
        report,
      }
      registry.add(provider)
      return {
        name: spec.name,
        needs: spec.needs,
        async start(ports, signal) {
          // The lifecycle hands over every port in `needs`, and only after each of them runs.
          const running = await spec.start({ ...(ports as Pick<Ports, Need>), ...surroundings }, signal)
          deps = running.deps
          return {
            ...(running.port !== undefined && { value: running.port }),
            async stop() {
              await running.stop?.()
            },
          }
        },
      }
    },
  }
}

/** The operation's tool, bound to what the service became when it started. `invoke` refuses calls before that. */
function lateBound<Deps>(operation: Operation<Deps>, deps: () => Deps | undefined): Tool {
  let bound: { readonly to: Deps; readonly tool: Tool } | undefined
  return Object.defineProperty(Object.create(null, Object.getOwnPropertyDescriptors(operation.meta)) as Tool, 'run', {
    value: (input: unknown, context: Parameters<Tool['run']>[1]) => {
      const to = deps() as Deps
      // A service that was started anew is another one.
      if (bound?.to !== to) bound = { to, tool: operation.bind(to) }
      return bound.tool.run(input, context)
    },
  })
}
