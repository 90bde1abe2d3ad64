import { service } from '../../kernel/service.ts'
import { describeHome } from './operations.ts'
import { startHome } from './running-home.ts'

/** How the demo home is to be. */
export interface DemoOptions {
  /** The same seed makes the same days. */
  readonly seed: number
  /** How many seconds pass at the home in one of ours; 1 is real time. */
  readonly speed: number
}

/** A demo home of one's own making. */
export const demoHome = ({ seed, speed }: DemoOptions) =>
  service({
    name: 'demo',
    summary: 'A simulated home on the broker, to try things on.',
    needs: ['broker'],
    operations: [describeHome],
    async start({ broker, clock, log }, signal) {
      const home = await startHome({ broker, clock, log, seed, speed }, signal)
      return { deps: { home }, stop: () => home.stop() }
    },
  })

export const demo = demoHome({ seed: 7, speed: 1 })
