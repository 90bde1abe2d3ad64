import { systemClock, type Clock } from './clock.ts'
import { Fault } from './fault.ts'
import { Failures, type WaitRule } from './failures.ts'
import { networkOf } from './network-of.ts'

/** Slows whoever guesses: passwords, pairing codes, refresh tokens, logins at the broker. One for the whole hub. */
export interface LoginThrottle {
  /**
   * An attempt begins. It counts as failed until it says otherwise, so that a thousand at once are a thousand. `name`: whom it is
   * for, whether or not there is somebody of that name; absent where a secret alone is shown. Throws Fault `rate_limited` when it
   * has to wait; what was shown must not be looked at then.
   */
  begin(name: string | undefined, address: string | undefined): LoginAttempt
}

/** Say one of these at most; say nothing: it failed. */
export interface LoginAttempt {
  /** Whoever it is for has logged in from there before: where not everybody can be looked at, they come first. */
  readonly isKnown: boolean
  /** It was right. */
  succeeded(): void
  /** It was not looked at after all: the hub was busy, the database away. */
  undecided(): void
}

/**
 * Somebody at one address who guesses one password: the fifth wrong guess costs a second, the tenth half a minute, and from then on
 * a quarter of an hour each, which makes 100 guesses a day.
 */
const ONE_FROM_ONE: WaitRule = { free: 5, firstWaitMs: 1000, longestWaitMs: 15 * 60_000 }
/** One address that tries names. A home behind one address has several people who mistype. */
const ONE_NETWORK: WaitRule = { free: 20, firstWaitMs: 1000, longestWaitMs: 5 * 60_000 }
/** One name that is tried from many addresses. Short waits: its owner may be at a new address. */
const ONE_NAME: WaitRule = { free: 50, firstWaitMs: 1000, longestWaitMs: 30_000 }

/** Networks that people have logged in from. */
const MOST_KNOWN = 2000

/** Longer names are nobody's. */
const LONGEST_NAME = 64

/**
 * Counted by name and network together, by network, and by name. Who has logged in from a network before is known there: only
 * their own wrong guesses there count then. So nobody can lock others out by guessing, neither from elsewhere nor from next door.
 */
export function createLoginThrottle(clock: Clock = systemClock): LoginThrottle {
  const both = new Failures(clock, ONE_FROM_ONE)
  const networks = new Failures(clock, ONE_NETWORK)
  const names = new Failures(clock, ONE_NAME)
  const known = new Set<string>()

  return {
    begin(name, address) {
      const network = networkOf(address)
      const who = name?.slice(0, LONGEST_NAME)
      const here = `${network} ${who}`
      const isKnown = who !== undefined && known.has(here)
      const counted: (readonly [Failures, string])[] = []
      if (who !== undefined) counted.push([both, here])
      if (!isKnown) counted.push([networks, network])
      if (!isKnown && who !== undefined) counted.push([names, who])

      const waitMs = Math.max(...counted.map(([failures, key]) => failures.waitMs(key)))
      if (waitMs > 0) throw tooMany(waitMs)
      for (const [failures, key] of counted) failures.add(key)
      // Of the others only what this attempt added: else somebody with a login of their own could guess without end.
      const takeBack = () => {
        for (const [failures, key] of counted) failures.takeBack(key)
      }
      return {
        isKnown,
        succeeded() {
          takeBack()
          if (who === undefined) return
          both.forget(here)
          remember(known, here)
        },
        undecided: takeBack,
      }
    },
  }
}

/** The latest are kept. */
function remember(known: Set<string>, key: string): void {
  known.delete(key)
  known.add(key)
  if (known.size <= MOST_KNOWN) return
  const [oldest] = known
  if (oldest !== undefined) known.delete(oldest)
}

const tooMany = (waitMs: number) =>
  new Fault('rate_limited', 'There were too many wrong attempts to log in.', {
    hint: `Try again in ${Math.ceil(waitMs / 1000)} s.`,
    retryAfterMs: Math.ceil(waitMs),
  })
