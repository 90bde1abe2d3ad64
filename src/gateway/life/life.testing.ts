import assert from 'node:assert/strict'
import { heldClock } from '../../kernel/clock.ts'
import { createEvents, type EventMap } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import { createLife, type LifeDefinition, type LifeOptions } from './life.ts'
import type { LifeState } from './state.ts'

/** Something that was opened, and what became of it. */
export interface Opened {
  readonly number: number
  closes: number
  close(): Promise<void>
  /** As if it broke. */
  lose(reason: string): void
}

/** A start that has not ended. */
export interface Opening {
  readonly signal: AbortSignal
  readonly lose: (reason: string) => void
  succeed(): void
  fail(error: unknown): void
}

export const DEFINITION = {
  restart: { firstDelayMs: 1000, mostDelayMs: 60_000, mostAttempts: 3 },
  patienceMs: 5000,
  startTimeoutMs: 20_000,
} satisfies LifeDefinition

export const turn = () => new Promise(setImmediate)

/** A life whose starts and ends happen when the test says so. */
export function testLife(options: Partial<LifeOptions<Opened>> = {}) {
  const clock = heldClock(new Date(2026, 5, 1, 14, 2).getTime())
  const events = createEvents((error) => {
    throw error
  })
  const statuses: EventMap['status.changed'][] = []
  events.on('status.changed', (event) => statuses.push(event))
  const states: LifeState[] = []
  const openings: Opening[] = []
  const opened: Opened[] = []
  const world = { needDown: undefined as string | undefined, holdCloses: false }
  const closing: (() => void)[] = []
  const violations: string[] = []
  let opens = 0

  const open = (signal: AbortSignal, lose: (reason: string) => void): Promise<Opened> => {
    opens += 1
    // Not thrown: to the life it would be one more start that failed.
    if (openings.length > 0) violations.push('a start began before the one before had ended')
    if (opened.some(({ closes }) => closes !== 1)) violations.push('a start began before the end of what ran')
    if (signal.aborted) violations.push('a start began that was given up before')
    if (closing.length > 0) violations.push('a start began before what ran was gone')
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        openings.splice(openings.indexOf(opening), 1)
        settle()
      }
      const opening: Opening = {
        signal,
        lose,
        succeed() {
          const connection: Opened = {
            number: opened.length + 1,
            closes: 0,
            close() {
              this.closes += 1
              return world.holdCloses ? new Promise<void>((end) => void closing.push(end)) : Promise.resolve()
            },
            lose,
          }
          opened.push(connection)
          done(() => resolve(connection))
        },
        fail: (error) => done(() => reject(error)),
      }
      openings.push(opening)
    })
  }

  const life = createLife<Opened>({
    name: 'lamps',
    definition: DEFINITION,
    open,
    blockedBy: () => world.needDown,
    clock,
    log: silentLog,
    events,
    onChange: (state) => states.push(state),
    random: () => 0,
    ...options,
  })

  return {
    life,
    clock,
    states,
    statuses,
    openings,
    opened,
    closing,
    world,
    /** What no life may do and this one did. */
    violations,
    opens: () => opens,
    /** The start that is under way. */
    opening(): Opening {
      const [opening] = openings
      assert.ok(opening, 'nothing is starting')
      return opening
    },
    async advance(ms: number) {
      clock.advance(ms)
      await turn()
    },
    async succeed() {
      await turn()
      this.opening().succeed()
      await turn()
    },
    async fail(error: unknown = new Fault('unavailable', 'it ended with exit code 1')) {
      await turn()
      this.opening().fail(error)
      await turn()
    },
    async lose(reason = 'it ended with exit code 1') {
      opened.at(-1)?.lose(reason)
      await turn()
    },
    async setNeed(down: string | undefined) {
      world.needDown = down
      life.needsChanged()
      await turn()
    },
    async up() {
      life.start()
      await this.succeed()
      assert.equal(life.state.is, 'ready')
    },
  }
}

export type TestLife = ReturnType<typeof testLife>
