import type { Params } from '../../kernel/mcp/message.ts'
import type { ClientSession, Peer } from '../../kernel/mcp/peer.ts'
import { identityOf } from './params.ts'

/** Messages that a client of before gets when it did not say from which level on. */
const DEFAULT_LOG_LEVEL = 'info'

interface Identity {
  readonly logLevel: string | undefined
  readonly text: string
}

/** What sessions say of themselves to a server of 2026-07-28: the same in every request, until the log level changes. */
export class SessionIdentities {
  readonly #known = new WeakMap<ClientSession, Identity>()

  /** `logs`: whether the server has log messages at all. */
  of({ session, clientInfo, capabilities, logLevel }: Peer, logs: boolean): string {
    const wanted = logs ? (logLevel ?? DEFAULT_LOG_LEVEL) : undefined
    const known = session && this.#known.get(session)
    if (known !== undefined && known.logLevel === wanted) return known.text
    // Tasks of 2025-11-25 are another thing than those of today, under the same name.
    const { tasks: _tasks, ...rest } = capabilities
    const text = identityOf({
      clientInfo: isComplete(clientInfo) ? clientInfo : undefined,
      capabilities: rest,
      ...(wanted !== undefined && { logLevel: wanted }),
    })
    if (session) this.#known.set(session, { logLevel: wanted, text })
    return text
  }
}

/** 2026-07-28 does without it, but not with half of it. */
const isComplete = (info: Params | undefined) =>
  typeof info?.['name'] === 'string' && typeof info['version'] === 'string'
