import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { eraOfDiscoverError, isFresh, speaksModern, wantsNoHandshake, type Era, type EraMemory } from './era.ts'
import { discover, initialize, noCommonRevision, type HandshakeOptions } from './handshake.ts'
import type { Agreement, Wire } from './wire.ts'

export interface NegotiationOptions extends HandshakeOptions {
  readonly clock: Clock
  readonly log: Log
  readonly eras: EraMemory
  readonly eraKey: string
  /** A new wire to the server: at first, and where the server took the first question badly and ended. */
  readonly open: () => Promise<Wire>
}

/** How long a server on a pipe may be silent on `server/discover` before it is asked to initialize beside it. */
const SILENCE_MS = 2000

/** What one attempt came to, if it did not throw. `proof`: whether the other era may be remembered if it answers. */
type Attempt = { readonly agreement: Agreement } | { readonly wrongEra: unknown; readonly proof: boolean }

/**
 * Opens a wire and agrees on a revision, the newest that both sides speak. What was found out before spares the question
 * (2026-07-28, versioning, "Backward Compatibility"). Throws Fault, RelayedError; the wire is closed then.
 */
export async function negotiate(options: NegotiationOptions): Promise<{ wire: Wire; agreement: Agreement }> {
  const first = expected(options)
  const order = first === 'modern' ? ([tryModern, tryLegacy] as const) : ([tryLegacy, tryModern] as const)
  let wire = await options.open()
  let proof = true
  let refusal: unknown
  try {
    for (const attempt of order) {
      if (wire.ended) {
        await wire.close()
        wire = await options.open()
      }
      const outcome = await attempt(wire, options)
      if ('agreement' in outcome) {
        if (proof) remember(outcome.agreement, first, options)
        return { wire, agreement: outcome.agreement }
      }
      refusal ??= outcome.wrongEra
      proof &&= outcome.proof
    }
    throw refusal ?? noCommonRevision(options.name, 'none that this hub knows')
  } catch (error) {
    await wire.close()
    throw error
  }
}

/** What was found out before, or the newest. */
function expected({ eras, eraKey, clock }: NegotiationOptions): Era {
  const known = eras.get(eraKey)
  return known && isFresh(known, clock.now()) ? known.era : 'modern'
}

/** A legacy verdict that was only confirmed keeps its date: an upgraded server is noticed some day. */
function remember({ revision }: Agreement, first: Era, { eras, eraKey, clock }: NegotiationOptions): void {
  const era = revision === MODERN_REVISION ? 'modern' : 'legacy'
  if (first === 'modern' || era === 'modern') eras.set(eraKey, { era, atMs: clock.now() })
}

async function tryModern(wire: Wire, options: NegotiationOptions): Promise<Attempt> {
  try {
    const agreement = await askTwice(() =>
      wire.correlates ? discover(wire, options) : discoverPatiently(wire, options),
    )
    return agreement ? { agreement } : { wrongEra: undefined, proof: true }
  } catch (error) {
    // It ended at the question: some old servers do. A new process will tell.
    if (wire.ended && !options.signal.aborted && !wire.correlates) return { wrongEra: error, proof: true }
    const era = eraOfDiscoverError(error)
    if (era === 'unknown') throw error
    return { wrongEra: error, proof: era === 'legacy' }
  }
}

/** A server that refuses the revision and says in the same breath that it speaks it is taken at its second word. */
async function askTwice(ask: () => Promise<Agreement | undefined>): Promise<Agreement | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (!speaksModern(error)) throw error
    return await ask()
  }
}

async function tryLegacy(wire: Wire, options: NegotiationOptions): Promise<Attempt> {
  try {
    return { agreement: await initialize(wire, options) }
  } catch (error) {
    if (!wantsNoHandshake(error)) throw error
    return { wrongEra: error, proof: true }
  }
}

/**
 * On a pipe there is no status, and an old server may say nothing at all to what it does not know (2026-07-28, stdio,
 * "Backward Compatibility"). After a while it is asked to initialize, and the first answer that agrees counts: a server
 * that is only slow to start answers the first question first.
 */
async function discoverPatiently(wire: Wire, options: NegotiationOptions): Promise<Agreement | undefined> {
  const { clock, signal, log } = options
  const over = new AbortController()
  const both = { ...options, signal: AbortSignal.any([signal, over.signal]) }
  const silence = Promise.withResolvers<'silence'>()
  const cancel = clock.after(SILENCE_MS, () => silence.resolve('silence'))
  const discovering = discover(wire, both)
  try {
    const first = await Promise.race([discovering, silence.promise])
    if (first !== 'silence') return first
    log.debug('no answer to server/discover yet; asking to initialize beside it')
    return await Promise.any([
      discovering.then((found) => found ?? Promise.reject(new Error('another era'))),
      initialize(wire, both),
    ])
  } catch (error) {
    // Both failed: what became of the handshake is what people want to read.
    throw error instanceof AggregateError ? error.errors[1] : error
  } finally {
    cancel()
    over.abort()
  }
}
