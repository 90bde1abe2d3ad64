import { RateLimiterMemory } from 'rate-limiter-flexible'
import { mayUse, type Caller } from './caller.ts'
import { Fault } from './fault.ts'
import type { Tool } from './tool.ts'

/** What a caller may do, how often, and for how long. */
export interface Policy {
  /** Throws Fault `unauthenticated` or `forbidden`. */
  authorize(caller: Caller, tool: Tool): void
  /** Counts the call. Throws Fault `rate_limited`, which says when to come back. */
  limit(caller: Caller): Promise<void>
  /** Milliseconds the call may take. A caller can shorten it, never lengthen it. */
  deadlineMs(tool: Tool, input: unknown, wantedMs?: number): number
  /** Milliseconds to wait before another attempt, or undefined: no more. */
  retryAfterMs(tool: Tool, fault: Fault, attempt: number): number | undefined
}

export interface PolicyOptions {
  callsPerMinute: number
  timeoutMs: number
}

/** Waits before the second and third attempt, milliseconds. */
const RETRY_WAITS_MS = [100, 400]

export function createPolicy({ callsPerMinute, timeoutMs }: PolicyOptions): Policy {
  const limiter = new RateLimiterMemory({ points: callsPerMinute, duration: 60 })
  return {
    authorize(caller, tool) {
      if (mayUse(caller.scopes, tool.scope)) return
      if (caller.id === 'anonymous')
        throw new Fault('unauthenticated', `${tool.name} needs an access token.`, {
          hint: 'Send it as "Authorization: Bearer <token>"; `alicia token` prints it.',
        })
      throw new Fault('forbidden', `${caller.name} lacks the scope ${tool.scope} that ${tool.name} needs.`, {
        hint: 'Use a token that has this scope.',
        details: { scope: tool.scope },
      })
    },
    async limit(caller) {
      // Those without an identity share what their address may do, or one of them could use up everybody's.
      const key = caller.id === 'anonymous' ? `anonymous ${caller.address ?? ''}` : caller.id
      try {
        await limiter.consume(key)
      } catch (refusal) {
        if (refusal instanceof Error) throw refusal
        const retryAfterMs = (refusal as { msBeforeNext: number }).msBeforeNext
        throw new Fault('rate_limited', `${caller.name} made more than ${callsPerMinute} calls within a minute.`, {
          hint: `Try again in ${Math.ceil(retryAfterMs / 1000)} s.`,
          retryAfterMs,
        })
      }
    },
    deadlineMs(tool, input, wantedMs) {
      const allowedMs = tool.timeoutMs?.(input) ?? timeoutMs
      return wantedMs === undefined ? allowedMs : Math.min(wantedMs, allowedMs)
    },
    retryAfterMs(tool, fault, attempt) {
      // A call that may have taken effect is repeated only where repeating it changes nothing.
      if (!tool.idempotent || !fault.retryable || fault.code === 'stopping') return undefined
      const waitMs = RETRY_WAITS_MS[attempt - 1]
      return waitMs === undefined ? undefined : Math.max(waitMs, fault.retryAfterMs ?? 0)
    },
  }
}
