import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Authority, Visit } from './authority.ts'
import { isUnknownClient, loginFault, loginOver, loginRequired, oauthCode } from './faults.ts'
import type { Holdings } from './holdings.ts'
import { obtain, refresh, type MachineGrant } from './tokens.ts'
import type { Grant, TokenVault } from './vault.ts'

export interface Renewal {
  /** The person's grant, renewed where its token is about to end; undefined: there is none. */
  current(person: string): Promise<Grant | undefined>
  /**
   * A new grant. `anew`: the upstream may have moved to another authorization server. Throws Fault `unauthenticated` when
   * only the person can get one.
   */
  renew(person: string, anew: 'anew' | 'known'): Promise<Grant>
}

export interface RenewalOptions {
  readonly id: string
  readonly authority: Authority
  readonly holdings: Holdings
  readonly vault: TokenVault
  readonly clock: Clock
  readonly log: Log
  /** Absent: grants are those of persons. */
  readonly machine: MachineGrant | undefined
  /** Ends renewals: they run for all who wait, so no single caller's signal does. */
  readonly closing: AbortSignal
}

export function createRenewal(options: RenewalOptions): Renewal {
  const { id, authority, holdings, vault, clock, log, machine, closing } = options

  const nothing = async (person: string): Promise<Fault> => {
    const holding = await holdings.of(person)
    if (holding.is !== 'nothing') return loginOver(id, 'its last login is of no use')
    return holding.wasThere ? loginOver(id, holding.why) : loginRequired(id, holding.why)
  }

  const ended = async (person: string, why: string): Promise<Fault> => {
    await holdings.drop(person, why)
    return loginOver(id, why)
  }

  /** At the server that gave the grant. A login is not given up for a document that is missing for a moment, or was an hour ago. */
  const visitFor = async (person: string, grant: Grant, anew: 'anew' | 'known'): Promise<Visit> => {
    const visit = await authority.visit(closing, anew)
    if (visit.server.issuer === grant.issuer) return visit
    if (anew === 'known') return visitFor(person, grant, 'anew')
    if (visit.server.isNamed) throw await ended(person, 'it has moved to another login server')
    throw new Fault('unavailable', `${id} does not say at the moment where its login server is.`, {
      hint: `Try again later. If it stays so, log in anew: alicia login ${id}`,
    })
  }

  const refreshed = async (person: string, grant: Grant, anew: 'anew' | 'known'): Promise<Grant> => {
    const visit = await visitFor(person, grant, anew)
    const { server } = visit
    if (grant.refreshToken === undefined) throw await ended(person, 'the last login has expired')
    const client = await visit.clientOf(grant)
    if (client === undefined) throw await ended(person, 'the configuration has another clientId since')
    try {
      return await refresh(visit.request(client), grant, grant.refreshToken)
    } catch (error) {
      if (isUnknownClient(error)) {
        await vault.removeRegistration(server.issuer, client.clientId)
        throw await ended(person, 'its login server does not know Alicia any more')
      }
      if (oauthCode(error) === 'invalid_grant') {
        // Another hub was quicker; else it was revoked, or left unused for too long: the person alone can tell.
        const other = await holdings.storedBeside(person, grant)
        if (other !== undefined) return other
        throw await ended(person, 'the last login was ended or has expired')
      }
      throw loginFault(id, 'renewing the token', error)
    }
  }

  const obtained = async (person: string, visit: Visit, grant: Grant | undefined, how: MachineGrant) => {
    const client = await visit.client()
    return obtain(visit.request(client), how, authority.scopesFor(person, visit.server, grant))
  }

  const renew: Renewal['renew'] = (person, anew) =>
    holdings.renewed(person, async (grant) => {
      const other = await holdings.storedBeside(person, grant)
      if (other !== undefined && (other.renewMs ?? Number.POSITIVE_INFINITY) > clock.now()) return other
      if (machine !== undefined) return obtained(person, await authority.visit(closing, anew), grant, machine)
      const held = other ?? grant
      if (held === undefined) throw await nothing(person)
      return refreshed(person, held, anew)
    })

  return {
    renew,
    async current(person) {
      const holding = await holdings.of(person)
      if (holding.is === 'nothing') return undefined
      if (holding.is === 'refused' && clock.monotonic() < holding.untilMs) throw loginOver(id, holding.why)
      const { grant } = holding
      if ((grant.renewMs ?? Number.POSITIVE_INFINITY) > clock.now()) return grant
      // Without a way to renew it, the server's clock decides: the hub's may be wrong.
      if (machine === undefined && grant.refreshToken === undefined) return grant
      try {
        return await renew(person, 'known')
      } catch (error) {
        const isOver = (grant.expiresMs ?? 0) <= clock.now()
        if (isOver || !(error instanceof Fault) || error.code === 'unauthenticated') throw error
        log.warn('a token could not be renewed; the old one still holds', { upstream: id, reason: error.message })
        return grant
      }
    },
  }
}
