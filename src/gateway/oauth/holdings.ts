import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import { loginOver } from './faults.ts'
import type { Grant, TokenVault } from './vault.ts'

/** What a person has of an upstream. */
export type Holding =
  /** `wasThere`: since the hub started. */
  | { readonly is: 'nothing'; readonly why: string; readonly wasThere: boolean }
  | { readonly is: 'grant'; readonly grant: Grant }
  /** The upstream refuses a token as new as can be: not tried again until then (monotonic milliseconds). */
  | { readonly is: 'refused'; readonly grant: Grant; readonly why: string; readonly untilMs: number }

export interface Holdings {
  of(person: string): Promise<Holding>
  /** What another hub on the same database has put there instead of this one; undefined: nothing. */
  storedBeside(person: string, grant: Grant | undefined): Promise<Grant | undefined>
  /** On disk first, then in use. */
  keep(person: string, grant: Grant): Promise<void>
  drop(person: string, why: string): Promise<void>
  refuse(person: string, grant: Grant, why: string): void
  /**
   * Runs `renew` once for all who ask meanwhile. A rotated refresh token is on disk before anybody uses what came with
   * it: after a crash the old one would be worth nothing. What was dropped or replaced while it ran stays so: a logout
   * makes it throw Fault `unauthenticated`.
   */
  renewed(person: string, renew: (grant: Grant | undefined) => Promise<Grant>): Promise<Grant>
}

export interface HoldingsOptions {
  readonly id: string
  /** The upstream's name in the vault. */
  readonly storedAs: string
  /** What grants have to be for. */
  readonly audience: string
  readonly vault: Pick<TokenVault, 'grant' | 'saveGrant' | 'removeGrant'>
  readonly clock: Clock
  readonly log: Log
  /** After each change of what a person has. */
  readonly onChange: (person: string, holding: Holding) => void
}

const NOBODY: Holding = { is: 'nothing', why: 'nobody has logged in yet', wasThere: false }
const MOVED: Holding = { is: 'nothing', why: 'its address is another one since the last login', wasThere: false }

/** A server that refuses everybody for some minutes must not cost everybody their login. */
const REFUSED_MS = 5 * 60_000

export function createHoldings({ id, storedAs, audience, vault, clock, log, onChange }: HoldingsOptions): Holdings {
  const known = new Map<string, Promise<Holding>>()
  const renewing = new Map<string, Promise<Grant>>()
  /** Whose newest could not be stored, or whose last could not be removed: what is stored is nobody's any more. */
  const unstored = new Set<string>()
  let written: Promise<unknown> = Promise.resolve()

  const load = async (person: string): Promise<Holding> => {
    const grant = await vault.grant(storedAs, person)
    if (grant === undefined) return NOBODY
    // The address of that name was changed: the new server must not get what the old one was trusted with.
    return grant.audience === audience ? { is: 'grant', grant } : MOVED
  }

  const of = (person: string): Promise<Holding> => {
    const held = known.get(person)
    if (held !== undefined) return held
    const loading = load(person)
    known.set(person, loading)
    // A database that is away for a moment is asked again by the next call.
    loading.catch(() => known.delete(person))
    return loading
  }

  const set = (person: string, holding: Holding) => {
    known.set(person, Promise.resolve(holding))
    onChange(person, holding)
  }

  /** One after the other: a logout must not be overtaken by what was written before it. */
  const write = (work: () => Promise<void>): Promise<void> => {
    const done = written.then(work)
    written = done.catch(() => undefined)
    return done
  }

  const save = async (person: string, grant: Grant): Promise<void> => {
    await vault.saveGrant(storedAs, person, grant)
    unstored.delete(person)
  }

  const renew = async (person: string, work: (grant: Grant | undefined) => Promise<Grant>): Promise<Grant> => {
    const before = await of(person)
    const grant = await work(before.is === 'nothing' ? undefined : before.grant)
    await write(async () => {
      if ((await of(person)) !== before) return
      await save(person, grant).catch((error: unknown) => {
        // The old one is used up: this one is all there is, and works until the hub ends.
        unstored.add(person)
        log.error('a renewed login could not be stored', { upstream: id, error })
      })
      if ((await of(person)) === before) set(person, { is: 'grant', grant })
    })
    const now = await of(person)
    if (now.is === 'nothing') throw loginOver(id, now.why)
    return now.grant
  }

  return {
    of,
    async storedBeside(person, grant) {
      // What is being removed is there still.
      await written
      if (unstored.has(person)) return undefined
      const stored = await load(person)
      return stored.is === 'grant' && stored.grant.accessToken !== grant?.accessToken ? stored.grant : undefined
    },
    keep: (person, grant) =>
      write(async () => {
        await save(person, grant)
        set(person, { is: 'grant', grant })
      }),
    async drop(person, why) {
      // At once, whatever is being written: from here on nobody gets a token. And once more in its turn, since what is
      // written before it may be a new grant.
      const nothing: Holding = { is: 'nothing', why, wasThere: true }
      set(person, nothing)
      await write(async () => {
        if ((await of(person)) !== nothing) set(person, nothing)
        unstored.add(person)
        await vault.removeGrant(storedAs, person)
        unstored.delete(person)
      })
    },
    refuse: (person, grant, why) => set(person, { is: 'refused', grant, why, untilMs: clock.monotonic() + REFUSED_MS }),
    renewed(person, work) {
      const running = renewing.get(person)
      if (running !== undefined) return running
      const run = renew(person, work).finally(() => renewing.delete(person))
      renewing.set(person, run)
      return run
    },
  }
}
