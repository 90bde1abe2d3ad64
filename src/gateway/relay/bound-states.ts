import type { Caller } from '../../kernel/caller.ts'
import { readMembers, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { Secrets } from '../../kernel/ports.ts'
import { mayHold } from './params.ts'
import { badState } from './refusals.ts'
import { isInputRequired, MAY_ASK } from './results.ts'

/** What a client holds in place of a server's state. */
interface BoundState {
  /** As the server wrote it. */
  readonly state: JsonText
  readonly caller: string
  readonly credential?: string
}

/**
 * The states of a server of 2026-07-28, on their way through its clients (2026-07-28, mrtr, server requirement 5). To the server the
 * hub is one client, so it cannot tell whose a state is: the hub seals that in, and nobody answers for somebody else.
 */
export class BoundStates {
  readonly #name: string
  readonly #secrets: Secrets

  constructor({ name, secrets }: { readonly name: string; readonly secrets: Secrets }) {
    this.#name = name
    this.#secrets = secrets
  }

  /** The result with a state that is of use to this caller alone. */
  bind(result: RelayedResult, { id: caller, credential }: Caller): RelayedResult {
    if (!mayHold(result.text, STATE) || !isInputRequired(result)) return result
    const members = readMembers(result.text)
    const state = members.get(STATE)
    if (state === undefined) return result
    const bound: BoundState = { state, caller, ...(credential !== undefined && { credential }) }
    const sealed = this.#secrets.seal(JSON.stringify(bound), this.#context)
    return new RelayedResult(writeMembers(members.set(STATE, JSON.stringify(sealed))))
  }

  /** The params of a request with the server's own state. Throws RelayedError -32602 for one that is not this caller's. */
  release(method: string, params: JsonText, caller: Caller): JsonText {
    if (!MAY_ASK.has(method) || !mayHold(params, STATE)) return params
    const members = readMembers(params)
    const shown = members.get(STATE)
    if (shown === undefined) return params
    const bound = this.#open(shown)
    if (bound === undefined || bound.caller !== caller.id || bound.credential !== caller.credential)
      throw badState(this.#name, 'it is not one that this server gave you')
    return writeMembers(members.set(STATE, bound.state))
  }

  get #context(): string {
    return `mcp.state:${this.#name}`
  }

  #open(shown: JsonText): BoundState | undefined {
    const sealed: unknown = JSON.parse(shown)
    if (typeof sealed !== 'string') return undefined
    try {
      return JSON.parse(this.#secrets.open(sealed, this.#context)) as BoundState
    } catch {
      return undefined
    }
  }
}

const STATE = 'requestState'
