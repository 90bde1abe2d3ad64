import { service, type Service } from '../../kernel/service.ts'
import { openDecisionTable } from './decision.ts'
import { approveCall, denyCall, listApprovals, listDecisions, type Deps } from './operations.ts'
import type { WaitingCalls } from './waiting.ts'

export { createWaitingCalls, type WaitingCalls } from './waiting.ts'

export interface ApprovalsOptions {
  /** What the hub's one door asks. */
  calls(): WaitingCalls
  /** How long decisions are kept. */
  readonly retentionDays: number
}

const DAY_MS = 86_400_000
const PRUNE_MS = 3_600_000

/** Calls that wait for somebody's yes, on another channel than the one they came by. */
export const approvalsService = ({ calls, retentionDays }: ApprovalsOptions): Service =>
  service<'hub' | 'store' | 'people', Deps>({
    name: 'approvals',
    summary: 'Calls that wait until somebody who may decide allows them.',
    // Of the hub: what waits is in its process.
    needs: ['hub', 'store', 'people'],
    operations: [listApprovals, approveCall, denyCall, listDecisions],
    async start({ store, people, events, clock, log }) {
      const decisions = await openDecisionTable(store)
      const failed = (error: unknown) => log.warn('the decisions on calls could not be kept or pruned', { error })
      const endListening = events.on('approval.changed', ({ call, change }) => {
        // Nobody said it, so nobody wrote it down.
        if (change === 'expired') decisions.insert({ call, change, atMs: clock.now(), forMs: 0 }).catch(failed)
      })
      const prune = () => {
        decisions.prune(clock.now() - retentionDays * DAY_MS).catch(failed)
        cancelPrune = clock.after(PRUNE_MS, prune)
      }
      let cancelPrune = clock.after(PRUNE_MS, prune)
      return {
        deps: { calls: calls(), decisions, events, clock, nameOf: (id) => people.get(id)?.name },
        async stop() {
          endListening()
          cancelPrune()
        },
      }
    },
  })
