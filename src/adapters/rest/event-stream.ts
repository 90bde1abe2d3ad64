import type { Clock } from '../../kernel/clock.ts'
import { Fault, faultBody } from '../../kernel/fault.ts'
import type { Call } from '../../kernel/invoke.ts'

/** What a stream needs of a call: everything `invoke` wants but the ways to report. */
export type StreamedCall = (report: Required<Pick<Call, 'emit' | 'logTo' | 'signal'>>) => Promise<unknown>

export interface StreamOptions {
  clock: Clock
  /** Aborts when the client goes away. */
  signal: AbortSignal
  requestId: string
  /** Makes a fault of anything thrown. */
  toFault: (error: unknown) => Fault
}

/** Between comments that keep proxies from closing a quiet stream, milliseconds. */
const KEEP_ALIVE_MS = 15_000

/**
 * How long the first news may take before the stream opens without it, milliseconds. A refusal comes sooner than
 * that, and is worth an HTTP status of its own.
 */
const OPEN_MS = 200

/** Bytes that may wait for a slow reader. News beyond is left out; parts of a result cannot be, and end the call. */
const WAITING_BYTES = 1024 * 1024

const utf8 = new TextEncoder()

const eventText = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data ?? null)}\n\n`

/**
 * Runs the call with its news as server-sent events (WHATWG HTML, 9.2): `progress` and `log` while it runs, then one
 * `result` or `fault`. Throws the call's fault when it comes before the stream had to open.
 */
export async function streamCall(call: StreamedCall, options: StreamOptions): Promise<Response> {
  const { clock, signal, requestId } = options
  const tooSlow = new AbortController()
  const opened = Promise.withResolvers<void>()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const gone = new AbortController()
  const body = new ReadableStream<Uint8Array>(
    {
      start: (own) => void (controller = own),
      cancel: () => gone.abort(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: WAITING_BYTES }),
  )
  const write = (text: string) => {
    opened.resolve()
    if (!gone.signal.aborted) controller?.enqueue(utf8.encode(text))
  }
  const hasRoom = () => (controller?.desiredSize ?? 0) > 0

  const running = call({
    signal: AbortSignal.any([signal, gone.signal, tooSlow.signal]),
    emit(progress) {
      if (hasRoom()) write(eventText('progress', progress))
      else if (progress.data !== undefined) tooSlow.abort()
    },
    // The message alone: fields can hold an error's inner details, which are for the hub's log.
    logTo(level, message) {
      if (level !== 'debug' && hasRoom()) write(eventText('log', { level, message }))
    },
  })
  const outcome = running.then(
    (result) => ({ ok: true, text: () => eventText('result', result) }) as const,
    (error: unknown) => ({ ok: false, error }) as const,
  )
  const cancelOpening = clock.after(OPEN_MS, opened.resolve)
  const early = await Promise.race([outcome, opened.promise])
  cancelOpening()
  if (early?.ok === false) throw early.error

  const stopComments = every(clock, KEEP_ALIVE_MS, () => hasRoom() && write(': still running\n\n'))
  void outcome.then((end) => {
    stopComments()
    write(lastEvent(end, tooSlow.signal.aborted, options))
    if (!gone.signal.aborted) controller?.close()
  })
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // nginx would hold the events back until its buffer is full.
      'x-accel-buffering': 'no',
      'x-request-id': requestId,
    },
  })
}

type Outcome = { ok: true; text: () => string } | { ok: false; error: unknown }

function lastEvent(outcome: Outcome, tooSlow: boolean, { toFault, requestId }: StreamOptions): string {
  try {
    if (outcome.ok) return outcome.text()
    throw tooSlow ? slowReader() : outcome.error
  } catch (error) {
    return eventText('fault', { ...faultBody(toFault(error)), request_id: requestId })
  }
}

const slowReader = () =>
  new Fault('too_large', `More than ${WAITING_BYTES} bytes of the result waited for the reader.`, {
    hint: 'Read the stream faster, or ask for less at once.',
  })

/** Runs `task` again and again; returns what ends it. */
function every(clock: Clock, ms: number, task: () => void): () => void {
  let cancel = () => {}
  const next = () => {
    cancel = clock.after(ms, () => {
      task()
      next()
    })
  }
  next()
  return () => cancel()
}
