import type { Approvals, Approved } from '../../kernel/approval.ts'
import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { hubStopping, type Fault } from '../../kernel/fault.ts'
import type { Redact } from '../../kernel/redact.ts'
import type { Entry, Registry } from '../../kernel/registry.ts'
import { concerns, type Tenure } from '../../kernel/tenure.ts'
import type { CallContext } from '../../kernel/tool.ts'
import type { ApprovalChange, WaitingCall } from '../../kernel/waiting-call.ts'
import { createAllowances, type Allowance } from './allowances.ts'
import { asShown } from './as-shown.ts'
import type { Decision } from './decision.ts'
import { faceOf, fingerprintOf, nameCall, toolHash } from './face.ts'
import { createPauses } from './pauses.ts'
import { isOwnWordEnough, requireDecider, type DecidesAlone } from './rules.ts'
import { expired, full, goneFault, refused, toolChanged, unknownCall } from './words.ts'

export interface WaitingOptions {
  readonly registry: Pick<Registry, 'find' | 'has'>
  readonly events: Pick<Events, 'emit' | 'on'>
  readonly tenure: Tenure
  readonly clock: Clock
  readonly redact: Redact
  readonly decidesAlone: DecidesAlone
  /** Milliseconds a call waits. */
  readonly waitMs: number
}

/** What somebody says to a call that waits. */
export interface Word {
  readonly approver: Caller
  readonly yes: boolean
  readonly reason?: string
  /** Of the call as it was looked at; absent: as it is. */
  readonly fingerprint?: string
  /** A yes holds for so many milliseconds, for the same caller and operation. 0: for this call alone. */
  readonly forMs: number
}

/** Keeps what was decided, before the call that waits for it hears of it. */
export type Record = (decision: Decision) => Promise<void>

/** Calls that wait, and those who decide. */
export interface WaitingCalls extends Approvals {
  list(): readonly WaitingCall[]
  /** Another number after each change. */
  version(): number
  allowances(): readonly Allowance[]
  /** Throws Fault `not_found`, `forbidden`, `conflict` where the tool or the call is not what was looked at. */
  decide(id: string, word: Word, record: Record): Promise<WaitingCall>
  /** Ends what an earlier yes still allows. Throws Fault `not_found`, `forbidden`. */
  endAllowance(id: string, approver: Caller): Allowance
}

interface Waiting {
  readonly call: WaitingCall
  readonly asker: Caller
  readonly hash: string
  isBeingDecided: boolean
  settle(change: ApprovalChange, outcome: { approver: Caller } | { fault: Fault }): void
}

/** Calls that may wait, of one caller and of all: a person is to read each. */
const MOST_OF_ONE = 5
const MOST_OF_ALL = 50
/** Clients give up on what says nothing for a minute. */
const REMIND_MS = 15_000
/** A client that was asked something comes back within this time, or asks a person again. */
const PAUSE_MS = 600_000
/** Names of calls are not given again for so many calls: a yes that comes late must not meet another call. */
const MOST_NAMES = 1000

export function createWaitingCalls(options: WaitingOptions): WaitingCalls {
  const { registry, events, tenure, clock, redact, decidesAlone, waitMs } = options
  const waiting = new Map<string, Waiting>()
  const names = new Set<string>()
  const allowances = createAllowances()
  const pauses = createPauses()
  let isClosed = false
  let version = 0
  const tell = (call: WaitingCall, change: ApprovalChange) => {
    version++
    events.emit('approval.changed', { call, change })
  }

  events.on('access.ended', (ended) => {
    const isOver = ({ caller, approver }: { readonly caller: Caller; readonly approver: Caller }) =>
      concerns(ended, caller) || concerns(ended, approver)
    allowances.end(isOver)
    pauses.end(isOver)
  })

  const nameNext = (): string => {
    const id = nameCall((taken) => names.has(taken))
    names.add(id)
    if (names.size > MOST_NAMES) for (const oldest of names) if (!waiting.has(oldest)) return (names.delete(oldest), id)
    return id
  }

  const requireRoom = (caller: Caller) => {
    const own = [...waiting.values()].filter(({ asker }) => asker.id === caller.id).length
    if (own >= MOST_OF_ONE) throw full(`${own} calls of ${caller.name} wait for approval already.`)
    if (waiting.size >= MOST_OF_ALL) throw full(`${waiting.size} calls wait for approval already.`)
  }

  const find = (id: string): Waiting => {
    const found = waiting.get(id.toUpperCase())
    if (found) return found
    throw names.has(id.toUpperCase()) ? goneFault(id) : unknownCall(id)
  }

  const isUnchanged = ({ call, hash }: Waiting): boolean =>
    registry.has(call.operation) && toolHash(registry.find(call.operation).tool) === hash

  const wait = (entry: Entry, input: unknown, { caller, signal, emit }: CallContext): Promise<Caller> => {
    const askedMs = clock.now()
    const id = nameNext()
    const call = faceOf({ id, entry, input, caller, askedMs, untilMs: askedMs + waitMs }, redact)
    const { promise, resolve, reject } = Promise.withResolvers<Caller>()
    const stops: (() => void)[] = []
    const settle: Waiting['settle'] = (change, outcome) => {
      if (!waiting.delete(id)) return
      for (const stop of stops) stop()
      if ('fault' in outcome) reject(outcome.fault)
      else resolve(outcome.approver)
      tell(call, change)
    }
    waiting.set(id, { call, asker: caller, hash: toolHash(entry.tool), isBeingDecided: false, settle })
    const withdraw = () => settle('withdrawn', { fault: signal.reason as Fault })
    signal.addEventListener('abort', withdraw, { once: true })
    stops.push(
      () => signal.removeEventListener('abort', withdraw),
      clock.after(waitMs, () => settle('expired', { fault: expired(call, waitMs) })),
      tenure.hold(caller, (fault) => settle('withdrawn', { fault })),
      remind(clock, call, emit),
    )
    tell(call, 'asked')
    return promise
  }

  /** Whose yes the call has already, or gets. */
  const yes = async (entry: Entry, input: unknown, context: CallContext): Promise<Caller> => {
    const { caller, peer } = context
    const known =
      allowances.find(caller, entry, clock.now())?.approver ??
      (peer && pauses.resume({ caller, fingerprint: fingerprintOf(entry, input) }, peer, clock.now()))
    if (known) return known
    requireRoom(caller)
    return await wait(entry, input, context)
  }

  const approvedBy = (approver: Caller, entry: Entry, input: unknown, context: CallContext): Approved => ({
    by: approver.id,
    context: asShown(context, input),
    ended(output) {
      const { caller } = context
      const untilMs = clock.now() + PAUSE_MS
      pauses.note(output, { caller, approver, fingerprint: fingerprintOf(entry, input), untilMs })
    },
  })

  return {
    isNeeded: (caller, { tool }) =>
      tool.effect === 'destructive' && tool.passesOn !== true && !isOwnWordEnough(caller, decidesAlone),
    async ask(entry, input, context) {
      if (isClosed) throw hubStopping()
      context.signal.throwIfAborted()
      return approvedBy(await yes(entry, input, context), entry, input, context)
    },
    list: () => [...waiting.values()].map(({ call }) => call),
    version: () => version,
    allowances: () => allowances.list(clock.now()),
    async decide(id, { approver, yes, reason, fingerprint, forMs }, record) {
      const found = find(id)
      const { call, asker, hash } = found
      requireDecider(approver, asker, decidesAlone)
      if (fingerprint !== undefined && fingerprint !== call.fingerprint) throw unknownCall(id)
      // A word counts once, also while it is being written down.
      if (found.isBeingDecided) throw goneFault(id)
      if (yes && !isUnchanged(found)) {
        found.settle('withdrawn', { fault: toolChanged(call) })
        throw toolChanged(call)
      }
      found.isBeingDecided = true
      try {
        const change = yes ? 'approved' : 'denied'
        await record({ call, change, atMs: clock.now(), by: approver, ...(reason !== undefined && { reason }), forMs })
      } finally {
        found.isBeingDecided = false
      }
      if (!waiting.has(call.id)) throw goneFault(id)
      if (yes && forMs > 0)
        allowances.add({
          id: call.id,
          caller: asker,
          approver,
          operation: call.operation,
          hash,
          untilMs: clock.now() + forMs,
        })
      if (yes) found.settle('approved', { approver })
      else found.settle('denied', { fault: refused(call, approver, reason) })
      return call
    },
    endAllowance(id, approver) {
      const found = allowances.list(clock.now()).find((one) => one.id === id.toUpperCase())
      if (!found) throw names.has(id.toUpperCase()) ? goneFault(id) : unknownCall(id)
      requireDecider(approver, found.caller, decidesAlone)
      allowances.end((one) => one === found)
      return found
    },
    close() {
      isClosed = true
      for (const { settle } of waiting.values()) settle('withdrawn', { fault: hubStopping() })
    },
  }
}

/** Says that the call waits, and again while it does. Grows by little: what the operation reports later has to be more. */
function remind(clock: Clock, { id, untilMs }: WaitingCall, emit: CallContext['emit']): () => void {
  let count = 0
  let cancel = () => {}
  const say = () => {
    const until = new Date(untilMs).toTimeString().slice(0, 5)
    emit({ progress: count++ / 1000, message: `waits for approval ${id}, until ${until}` })
    cancel = clock.after(REMIND_MS, say)
  }
  say()
  return () => cancel()
}
