import type { Clock } from '../../kernel/clock.ts'
import { createRedaction } from '../../kernel/redact.ts'
import { DEFAULT_ROLES } from '../../kernel/role.ts'
import { createTenure } from '../../kernel/tenure.ts'
import type { TestDoor } from '../../testing/hub.ts'
import { createWaitingCalls, type WaitingCalls } from './index.ts'

/** Calls that wait at this door, for so long at most, where roles are as they are by default. */
export const waitingCallsAt = (
  { registry, events }: Pick<TestDoor, 'registry' | 'events'>,
  clock: Clock,
  waitMs: number,
): WaitingCalls =>
  createWaitingCalls({
    registry,
    events,
    tenure: createTenure(events, clock),
    clock,
    redact: createRedaction(),
    decidesAlone: (role) => DEFAULT_ROLES[role].decidesAlone,
    waitMs,
  })
