import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Broker } from '../../kernel/ports.ts'
import { createChance } from './chance.ts'
import { createHome } from './home.ts'
import { startKeeper } from './keeper.ts'
import { linkNode, type NodeLink } from './link.ts'
import type { Moment } from './node.ts'
import { worldAt } from './world.ts'

export interface HomeOptions {
  readonly broker: Pick<Broker, 'kind' | 'url' | 'login'>
  readonly clock: Clock
  readonly log: Log
  /** The same seed makes the same days. */
  readonly seed: number
  /** How many seconds pass at the home in one of ours. */
  readonly speed: number
}

/** The demo home, alive. */
export interface RunningHome {
  readonly links: readonly NodeLink[]
  now(): Moment
  /** Everybody leaves, and nothing of it stays at the broker. */
  stop(): Promise<void>
}

const TICK_MS = 1000

/** Throws Fault `conflict` where another home is at the broker, `unavailable` where none can be reached. */
export async function startHome(options: HomeOptions, signal: AbortSignal): Promise<RunningHome> {
  const { broker, clock, log, seed, speed } = options
  const chance = createChance(seed)
  const startMs = clock.now()
  const startTick = clock.monotonic()

  const now = (): Moment => {
    const passedMs = clock.monotonic() - startTick
    const ms = startMs + passedMs * speed
    const localMs = ms - new Date(ms).getTimezoneOffset() * 60_000
    return { ms, localMs, tick: Math.round(passedMs / TICK_MS), world: worldAt(localMs, chance) }
  }

  const keeper = await startKeeper({ broker, clock, signal })
  const link = (node: ReturnType<typeof createHome>[number]) =>
    linkNode({ node, broker, signal, now, log, onRetain: keeper.note })
  const attempts = await Promise.allSettled(createHome(seed).map(link))
  const links = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
  let cancel = () => {}

  const stop = async () => {
    cancel()
    await Promise.all(links.map((link) => link.stop()))
    await keeper.stop()
  }

  const failed = attempts.find((attempt) => attempt.status === 'rejected')
  if (failed) {
    await stop()
    throw failed.reason
  }

  const tick = () => {
    const moment = now()
    for (const link of links) link.tick(moment)
    keeper.write()
    cancel = clock.after(TICK_MS, tick)
  }
  keeper.write()
  cancel = clock.after(TICK_MS, tick)
  return { links, now, stop }
}
