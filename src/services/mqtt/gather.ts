import type { IPublishPacket } from 'mqtt'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Connection, Qos, Wanted } from './connection.ts'
import { reasonText } from './reason-codes.ts'
import { topicMatcher } from '../../kernel/topic.ts'

/** What takes the messages in. `accept` runs for each as it arrives and must only keep it. */
export interface Sink {
  accept(packet: IPublishPacket): void
  /** Resolves when it wants no more. */
  readonly full: Promise<unknown>
}

export interface Gathering {
  readonly filter: string
  readonly qos: Qos
  readonly durationMs: number
  readonly sink: Sink
  /** Subscribed with the filter, for as long, and refused like it. No topic may match two of them. */
  readonly also?: readonly Wanted[]
  /** Subscribed beside the filter, for as long; that the broker refuses it does not matter. */
  readonly beside?: Wanted | undefined
  /** Runs when the subscription stands and then about once a second, with the milliseconds since. */
  tick?(elapsedMs: number): void
}

/** How it ended, and what the broker had granted. */
export interface Gathered {
  readonly ended: { readonly by: 'duration' | 'full' } | { readonly by: 'connection_lost'; readonly reason: string }
  readonly grantedQos: number
  readonly elapsedMs: number
}

const TICK_MS = 1000

/** An end that comes so much too late: the hub stood still, and what came meanwhile it has not read yet. Milliseconds. */
const LATE_MS = 10

/** It listens on for so long at most; the call as a whole has a deadline too. */
const MOST_MORE_MS = 5000

/** Subscribes until the time is over, the sink is full or the connection ends; the time runs from the broker's consent. */
export async function gather(
  connection: Connection,
  gathering: Gathering,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Gathered> {
  const { filter, qos, durationMs, sink, also = [], beside } = gathering
  const first: Wanted = { filter, matches: topicMatcher(filter), listener: (packet) => sink.accept(packet) }
  const needed = [first, ...also]
  const subscription = await connection.subscribe(beside ? [...needed, beside] : needed, qos, signal)
  const cancels: (() => void)[] = []
  try {
    for (const [index, each] of needed.entries()) requireGranted(each.filter, subscription.granted[index] ?? 128)
    const grantedQos = subscription.granted[0] ?? 128
    const startMs = clock.monotonic()
    const over = Promise.withResolvers<Gathered['ended']>()
    const aborted = () => over.reject(signal.reason)
    const tick = () => {
      const elapsedMs = clock.monotonic() - startMs
      // The end has a report of its own, and progress must grow with each.
      if (elapsedMs < durationMs) gathering.tick?.(elapsedMs)
      cancels[1] = clock.after(TICK_MS, tick)
    }
    const end = () => over.resolve({ by: 'duration' })
    const timeIsOver = () => {
      const lateMs = clock.monotonic() - startMs - durationMs
      if (lateMs < LATE_MS) end()
      else cancels[0] = clock.after(Math.min(lateMs, durationMs, MOST_MORE_MS), end)
    }
    gathering.tick?.(0)
    cancels.push(
      clock.after(durationMs, timeIsOver),
      clock.after(TICK_MS, tick),
      () => signal.removeEventListener('abort', aborted),
      connection.onClosed((reason) => over.resolve({ by: 'connection_lost', reason })),
    )
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted, { once: true })
    void sink.full.then(() => over.resolve({ by: 'full' }))
    const ended = await over.promise
    return { ended, grantedQos, elapsedMs: clock.monotonic() - startMs }
  } finally {
    for (const cancel of cancels) cancel()
    await subscription.end()
  }
}

function requireGranted(filter: string, code: number): void {
  if (code < 128) return
  const denied = code === 135 || code === 128
  throw new Fault(
    denied ? 'forbidden' : 'upstream_failed',
    `The broker refused to subscribe to ${filter}: ${reasonText(code)}.`,
    {
      hint: denied ? 'The user of this session may not read there: try a narrower filter.' : 'Try another filter.',
    },
  )
}
