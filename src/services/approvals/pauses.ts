import type { Caller } from '../../kernel/caller.ts'
import type { Peer } from '../../kernel/mcp/peer.ts'
import { readMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'

/** A call that was allowed, and whose server asked its client something before going on (2026-07-28, mrtr). */
interface Pause {
  readonly caller: Caller
  readonly approver: Caller
  readonly fingerprint: string
  /** What the client has to come back with; undefined: the server gave it nothing. */
  readonly state: unknown
  /** Wall-clock milliseconds. */
  readonly untilMs: number
}

/** Approved calls that are not over: they go on with the answers, and without another yes. */
export interface Pauses {
  /** Takes note, where the result says that the call goes on. */
  note(result: unknown, of: Omit<Pause, 'state'>): void
  /** Who allowed the call that this request goes on with; counts once. */
  resume(asker: Pick<Pause, 'caller' | 'fingerprint'>, peer: Peer, nowMs: number): Caller | undefined
  end(which: (pause: Pause) => boolean): void
}

/** The oldest make room: a hub that forgets one asks once more. */
const MOST = 100

export function createPauses(): Pauses {
  let known: readonly Pause[] = []
  return {
    note(result, of) {
      if (!(result instanceof RelayedResult) || result.value['resultType'] !== 'input_required') return
      known = [...known.slice(1 - MOST), { ...of, state: result.value['requestState'] }]
    },
    resume({ caller, fingerprint }, peer, nowMs) {
      const shown = comingBackWith(peer.params)
      const found =
        shown &&
        known.find(
          (one) =>
            one.untilMs > nowMs &&
            one.fingerprint === fingerprint &&
            one.caller.id === caller.id &&
            one.caller.credential === caller.credential &&
            one.state === shown.state,
        )
      if (found) known = known.filter((one) => one !== found)
      return found?.approver
    },
    end(which) {
      known = known.filter((one) => !which(one))
    },
  }
}

/** The state of a request that goes on with an earlier one; undefined: it is none. */
function comingBackWith(params: JsonText): { readonly state: unknown } | undefined {
  const members = readMembers(params)
  const [state, responses] = [members.get('requestState'), members.get('inputResponses')]
  if (state === undefined && responses === undefined) return undefined
  return { state: state === undefined ? undefined : (JSON.parse(state) as unknown) }
}
