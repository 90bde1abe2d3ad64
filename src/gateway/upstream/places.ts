import type { Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import { OWNER } from '../../kernel/identity.ts'
import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import { createGroup, type Group } from '../../kernel/resilience/group.ts'
import type { Connection } from '../connection/connection.ts'
import type { LifeState } from '../life/state.ts'
import type { StderrRing } from '../process/stderr-lines.ts'
import type { ListKind } from '../relay/relay-options.ts'
import { createInstance, type Instance } from './instance.ts'
import type { UpstreamParts } from './parts.ts'
import type { RememberedBalance } from './remembered-balance.ts'

/** Where calls go: the replicas of a server, connected for the hub or for one person. */
export interface Place {
  readonly group: Group<Connection>
  readonly instances: readonly Instance[]
}

/** The places of one server: the hub's own, and one for each person where the server asks each for a login. */
export interface Places {
  readonly shared: Place
  /** Throws Fault `unavailable` when too many people have one. */
  of(caller: Caller): Place
  /** Undefined: that person has none. */
  ofPerson(id: string): Place | undefined
  all(): readonly Place[]
}

export interface PlacesOptions {
  readonly definition: ServerDefinition
  readonly parts: UpstreamParts
  readonly ring: StderrRing
  readonly balance: RememberedBalance
  /** `person`: whose connection it is; undefined: the hub's. */
  onState(state: LifeState, person: Caller | undefined): void
  onListChanged(kind: ListKind): void
  /** Changes of a server's lists may have gone unheard. */
  onGap(): void
}

/** People with a connection of their own. */
const MOST_PERSONS = 64

export function createPlaces(options: PlacesOptions): Places {
  const { definition, parts } = options
  const { id, oauth } = definition
  const personal = new Map<string, Place>()
  const shared = createPlace(options)

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
    oauth?.grant === 'authorization_code' || (!oauth && parts.memory.get(id, 'protected') === true)

  return {
    shared,
    /** Where a server knows its users, nobody calls it with somebody else's login. */
    of(caller) {
      if (caller.id === OWNER.id || !isPersonal()) return shared
      const own = personal.get(caller.id)
      if (own) return own
      if (personal.size >= MOST_PERSONS && !makeRoom())
        throw new Fault('unavailable', `${id} has connections for ${MOST_PERSONS} people already.`, {
          hint: 'Connections that nobody uses are closed after a while.',
          retryAfterMs: 60_000,
        })
      const made = createPlace(options, caller)
      personal.set(caller.id, made)
      return made
    },
    ofPerson: (person) => (person === OWNER.id ? shared : personal.get(person)),
    all: () => [shared, ...personal.values()],
  }
}

function createPlace(options: PlacesOptions, person?: Caller): Place {
  const { definition, parts, ring, balance } = options
  const { id, hedgeAfterMs } = definition
  const instances = definition.replicas.map((replica, at) =>
    createInstance({
      parts,
      definition,
      replica,
      id: at === 0 ? id : `${id}#${at + 1}`,
      ...(person && { person }),
      log: ring,
      onState: (state) => options.onState(state, person),
      onListChanged: options.onListChanged,
      onGap: options.onGap,
      onResourceUpdated: (uri, params) =>
        parts.events.emit('resource.updated', { provider: id, uri, params, ...(person && { caller: person.id }) }),
    }),
  )
  const group = createGroup({
    name: id,
    members: instances,
    strategy: definition.balance,
    limits: { concurrency: definition.concurrency, queue: definition.queue },
    ...(hedgeAfterMs !== undefined && { hedgeAfterMs }),
    clock: parts.clock,
  })
  group.configure(balance.read())
  return { group, instances }
}

const isUnderWay = ({ is }: LifeState) => is === 'starting' || is === 'ready' || is === 'degraded'
