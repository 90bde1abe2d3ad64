import type { Clock } from '../../kernel/clock.ts'
import { clockTime } from '../../kernel/clock-time.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Bus } from '../../kernel/ports.ts'
import type { Member } from '../../kernel/resilience/group.ts'
import type { StatusReport } from '../../kernel/status.ts'
import type { Description } from './description.ts'
import { Link } from './link.ts'
import type { Request } from './messages.ts'
import type { Status } from './status.ts'
import { placeName, requestTopic, type Place } from './topics.ts'

/** Silence after which a process is asked whether it is there, and after which it is taken for gone, milliseconds. */
const ASK_AFTER_MS = 8000
const GONE_AFTER_MS = 20_000

/** How long a call waits for a process that has only just gone, or not yet spoken, where nobody else can be asked. */
const PATIENCE_MS = 1000

type State =
  /** The broker says so, and it has not spoken itself yet: what is retained outlives whom it is about. */
  | { readonly is: 'said_to_be_here'; readonly sinceMs: number; readonly here: Here; readonly link: Link }
  | { readonly is: 'here'; readonly sinceMs: number; readonly here: Here; readonly link: Link }
  /** It may be back with the calls that were under way. */
  | {
      readonly is: 'gone'
      readonly sinceMs: number
      readonly reason: string
      readonly here?: Here
      readonly link?: Link
    }
  | { readonly is: 'stopped'; readonly sinceMs: number }

type Here = Extract<Status, { is: 'here' }>

export interface InstanceOptions {
  readonly bus: Bus
  readonly clock: Clock
  readonly hub: string
}

/** A process that runs services, as this hub knows it. */
export class Instance {
  readonly place: Place
  readonly name: string
  /** By service. */
  readonly descriptions = new Map<string, Description>()
  readonly #members = new Map<string, Member<Link>>()
  readonly #options: InstanceOptions
  readonly #waiting = new Set<() => void>()
  #state: State
  /** Of the monotonic clock: since then it is in that state, and then it was heard of last. */
  #enteredMs: number
  #heardMs: number

  constructor(place: Place, options: InstanceOptions) {
    this.place = place
    this.name = placeName(place)
    this.#options = options
    this.#heardMs = options.clock.monotonic()
    this.#enteredMs = this.#heardMs
    this.#state = { is: 'gone', sinceMs: options.clock.now(), reason: 'it has not said that it is there' }
  }

  get is(): State['is'] {
    return this.#state.is
  }

  get startedMs(): number {
    return 'here' in this.#state ? (this.#state.here?.startedMs ?? 0) : 0
  }

  /** Of the run that is there, or may be back. */
  get link(): Link | undefined {
    return 'link' in this.#state ? this.#state.link : undefined
  }

  /** Milliseconds of the wall clock since which it is away; undefined: it is there. */
  get awaySinceMs(): number | undefined {
    return this.#state.is === 'gone' || this.#state.is === 'stopped' ? this.#state.sinceMs : undefined
  }

  /** What its status says, retained or fresh. */
  tell(status: Status, isFresh: boolean): void {
    switch (status.is) {
      case 'here':
        return this.#tellHere(status, isFresh)
      case 'gone':
        // The will of a run that has a successor comes late.
        if (this.link === undefined || this.link.boot === status.boot) this.leave('its connection broke')
        return
      case 'stopped':
        if (this.link !== undefined && this.link.boot !== status.boot) return
        this.link?.end('it was stopped')
        this.#enter({ is: 'stopped', sinceMs: status.atMs })
    }
  }

  /** It spoke. Returns whether that makes a difference. */
  hear(boot: string): boolean {
    if (this.link?.boot !== boot) return false
    this.#heardMs = this.#options.clock.monotonic()
    if (this.#state.is === 'here' || this.#state.is === 'stopped' || !this.#state.here) return false
    const { here, link } = this.#state
    if (!link) return false
    this.#enter({ is: 'here', sinceMs: this.#options.clock.now(), here, link })
    link.resume()
    return true
  }

  /** Looks whether it is still there; returns whether that makes a difference. */
  look(): boolean {
    if (this.#state.is === 'stopped') return false
    const silentMs = this.#options.clock.monotonic() - this.#heardMs
    if (silentMs >= ASK_AFTER_MS) this.ask()
    if (silentMs < GONE_AFTER_MS || this.#state.is === 'gone') return false
    this.leave(`it has not answered for ${Math.round(silentMs / 1000)} s`)
    return true
  }

  /** Asks whether it is there. */
  ask(): void {
    const hello: Request = { is: 'hello', hub: this.#options.hub }
    this.#options.bus.publish(requestTopic(this.place), JSON.stringify(hello)).catch(() => undefined)
  }

  /** The hub's own connection is new: it heard nothing meanwhile, and what it was answered may be lost. */
  reconnected(): void {
    this.#heardMs = this.#options.clock.monotonic()
    this.link?.resume()
    if (this.#state.is !== 'stopped') this.ask()
  }

  leave(reason: string): void {
    if (this.#state.is === 'stopped' || this.#state.is === 'gone') return
    const { here, link } = this.#state
    this.#enter({ is: 'gone', sinceMs: this.#options.clock.now(), reason, here, link })
    link.suspend(reason)
  }

  /** One of its services, as one of those that can be asked for it. */
  member(service: string): Member<Link> {
    const known = this.#members.get(service)
    if (known) return known
    const member: Member<Link> = {
      id: this.name,
      weight: 1,
      current: () => (this.#report(service).status === 'unavailable' ? undefined : this.link),
      obtain: (signal) => this.#obtain(service, signal),
      report: () => this.#report(service),
    }
    this.#members.set(service, member)
    return member
  }

  end(reason: string): void {
    this.link?.end(reason)
  }

  #enter(state: State): void {
    if (state.is !== this.#state.is) this.#enteredMs = this.#options.clock.monotonic()
    this.#state = state
    if (state.is !== 'here') return
    for (const look of this.#waiting) look()
  }

  /** Broken connections are back in a moment: a call that comes meanwhile need not fail for it. */
  #obtain(service: string, signal: AbortSignal): Promise<Link> {
    const { clock } = this.#options
    const restMs = this.#enteredMs + PATIENCE_MS - clock.monotonic()
    const mayBeBack = this.#state.is === 'gone' || this.#state.is === 'said_to_be_here'
    if (!mayBeBack || restMs <= 0) return Promise.reject(this.#fault(service))
    return new Promise((resolve, reject) => {
      const over = () => {
        this.#waiting.delete(look)
        signal.removeEventListener('abort', withdraw)
        cancel()
      }
      const look = () => {
        over()
        if (this.link) resolve(this.link)
        else reject(this.#fault(service))
      }
      const withdraw = () => {
        over()
        reject(signal.reason as Error)
      }
      const cancel = clock.after(restMs, () => {
        over()
        reject(this.#fault(service))
      })
      signal.addEventListener('abort', withdraw, { once: true })
      this.#waiting.add(look)
    })
  }

  #tellHere(here: Here, isFresh: boolean): void {
    const { clock } = this.#options
    const before = this.link
    if (isFresh) this.#heardMs = clock.monotonic()
    if (before?.boot === here.boot) {
      const wasHere = this.#state.is === 'here'
      const sinceMs = wasHere ? this.#state.sinceMs : clock.now()
      this.#enter({ is: wasHere || isFresh ? 'here' : 'said_to_be_here', sinceMs, here, link: before })
      // It says so when its connection is new, and then what was under way may be lost.
      if (isFresh) before.resume()
    } else {
      before?.end('it was started anew')
      const link = new Link({ ...this.#options, place: this.place, boot: here.boot })
      this.#enter({ is: isFresh ? 'here' : 'said_to_be_here', sinceMs: clock.now(), here, link })
    }
    if (!isFresh) this.ask()
  }

  /** Made when it is asked for by people or with each call: no more than a look at what is known. */
  #report(service: string): StatusReport {
    const state = this.#state
    const { sinceMs } = state
    const bus = this.#options.bus.report()
    if (bus.status === 'unavailable') return { ...bus, reason: `the hub's bus is down (${bus.reason})` }
    switch (state.is) {
      case 'here':
        return (
          (Object.hasOwn(state.here.services, service) && state.here.services[service]) || {
            status: 'available',
            sinceMs,
          }
        )
      case 'said_to_be_here':
        return { status: 'unavailable', sinceMs, reason: 'it has not answered yet' }
      case 'gone':
        return { status: 'unavailable', sinceMs, reason: state.reason }
      case 'stopped':
        return { status: 'unavailable', sinceMs, reason: 'it was stopped' }
    }
  }

  #fault(service: string): Fault {
    const { sinceMs, reason = 'no reason known' } = this.#report(service)
    const since = clockTime(sinceMs, this.#options.clock.now())
    return new Fault('unavailable', `${service} (${this.name}) is unavailable since ${since}: ${reason}.`, {
      hint: 'It is used again as soon as it is back; list_services shows how it is.',
      details: { provider: service, since: new Date(sinceMs).toISOString() },
    })
  }
}
