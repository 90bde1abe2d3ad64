import type { Clock } from '../../kernel/clock.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { Secrets } from '../../kernel/ports.ts'
import { askClient } from './asking.ts'
import { BoundStates } from './bound-states.ts'
import { aboutClient, aboutHop, type Way } from './hops.ts'
import { legacyToModern } from './legacy-to-modern.ts'
import { modernToLegacy } from './modern-to-legacy.ts'
import { forModern, ofHub, unchanged, type Outbound } from './params.ts'
import type { Parking } from './parking.ts'
import { needsPerson } from './refusals.ts'
import { isInputRequired } from './results.ts'
import { RunningCall, type Answer, type Asked } from './running-call.ts'
import { SessionIdentities } from './session-identities.ts'

export interface ExchangeOptions {
  readonly name: string
  readonly clock: Clock
  readonly parking: Parking
  readonly secrets: Secrets
  /** Members of `_meta`: who the hub is where no client stands behind a request. */
  readonly hubIdentity: string
}

/** One request on one way, whatever revision either side speaks. Throws like `Relay.request`. */
export type Exchange = (way: Way, asked: Asked) => Promise<RelayedResult>

export function createExchange({ name, clock, parking, secrets, hubIdentity }: ExchangeOptions): Exchange {
  const states = new BoundStates({ name, secrets })
  const bridge = { name, clock, parking, identities: new SessionIdentities() }

  const ask: Answer = (question, { context }) =>
    context === undefined ? Promise.reject(needsPerson(name)) : askClient(question, context, clock)

  const run = ({ line, connection }: Way, asked: Asked, outbound: Outbound) =>
    line.run(connection, new RunningCall(asked, outbound, ask, line))

  /** What the client says of itself describes the whole way, so that errors about it are the client's own. */
  const modernToModern = async (way: Way, asked: Asked): Promise<RelayedResult> => {
    const { caller } = asked.context
    const params = states.release(asked.method, asked.params, caller)
    try {
      return states.bind(await run(way, asked, unchanged(params)), caller)
    } catch (error) {
      throw aboutHop(name, error)
    }
  }

  const hubToModern = async (way: Way, asked: Asked): Promise<RelayedResult> => {
    try {
      const result = await run(way, asked, forModern(asked.params, hubIdentity, true))
      if (isInputRequired(result)) throw needsPerson(name)
      return result
    } catch (error) {
      throw aboutClient(name, error)
    }
  }

  return (way, asked) => {
    const { peer } = asked.context
    const modern = way.connection.revision === MODERN_REVISION
    if (peer === undefined) return modern ? hubToModern(way, asked) : run(way, asked, ofHub(asked.params))
    if (peer.revision !== MODERN_REVISION)
      return modern ? legacyToModern(way, asked, bridge) : run(way, asked, unchanged(asked.params))
    return modern ? modernToModern(way, asked) : modernToLegacy(way, asked, bridge)
  }
}
