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
  /** Beside those that every stream has. */
  headers?: object | undefined
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
  const { clock, signal, requestId, headers } = options
  const stream = openStream()
  const tooSlow = new AbortController()
  const outcome: Promise<Outcome> = call({
    signal: AbortSignal.any([signal, stream.left, tooSlow.signal]),
    emit(progress) {
      if (stream.hasRoom()) stream.write(eventText('progress', progress))
      else if (progress.data !== undefined) tooSlow.abort()
    },
    // The message alone: fields can hold an error's inner details, which are for the hub's log.
    logTo(level, message) {
      if (level !== 'debug' && stream.hasRoom()) stream.write(eventText('log', { level, message }))
    },
  }).then(
    (result) => ({ ok: true, result }),
    (error: unknown) => ({ ok: false, error }),
  )
  const waited = Promise.withResolvers<undefined>()
  const cancelWait = clock.after(OPEN_MS, () => waited.resolve(undefined))
  const early = await Promise.race([outcome, stream.began, waited.promise])
  cancelWait()
  if (early?.ok === false) throw early.error

  const stopComments = every(clock, KEEP_ALIVE_MS, () => stream.hasRoom() && stream.write(': still running\n\n'))
  void outcome.then((end) => {
    stopComments()
    stream.end(lastEvent(end, tooSlow.signal.aborted, options))
  })
  return new Response(stream.body, {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // nginx would hold the events back until its buffer is full.
      'x-accel-buffering': 'no',
      'x-request-id': requestId,
      ...headers,
    },
  })
}

/** A body that is written to as things happen, and knows how much of it waits for the reader. */
function openStream() {
  const began = Promise.withResolvers<undefined>()
  const left = new AbortController()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>(
    {
      start: (own) => void (controller = own),
      cancel: () => left.abort(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: WAITING_BYTES }),
  )
  const write = (text: string) => {
    began.resolve(undefined)
    if (!left.signal.aborted) controller?.enqueue(utf8.encode(text))
  }
  return {
    body,
    /** Aborts when the reader goes away. */
    left: left.signal,
    /** Resolves with the first thing written. */
    began: began.promise,
    hasRoom: () => (controller?.desiredSize ?? 0) > 0,
    write,
    end(text: string) {
      write(text)
      if (!left.signal.aborted) controller?.close()
    },
  }
}

type Outcome = { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: unknown }

function lastEvent(outcome: Outcome, tooSlow: boolean, { toFault, requestId }: StreamOptions): string {
  try {
    if (outcome.ok) return eventText('result', outcome.result)
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
