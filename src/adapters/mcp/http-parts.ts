import type { SmallSet } from '../../kernel/small-set.ts'
import type { Caller } from '../../kernel/caller.ts'
import type { Message } from '../../kernel/mcp/message.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { Exchange } from './exchange.ts'
import type { HttpExchange } from './http-exchange.ts'
import type { Patience } from '../../kernel/patience.ts'
import type { McpServer } from './server.ts'
import type { SessionTable } from './session-table.ts'
import type { View } from './view.ts'

/** What serving HTTP requests takes. */
export interface HttpParts {
  readonly server: McpServer
  readonly sessions: SessionTable
  readonly patience: Patience
  /** Each stateless request that runs, for when the hub stops; sessions cancel their own. */
  readonly running: SmallSet<Exchange>
}

/** One request: who sent it, and to which profile's address. */
export interface Asking {
  readonly http: HttpExchange
  readonly caller: Caller
  readonly view: View
  /** When it was here, milliseconds on the monotonic clock. */
  readonly nowMs: number
}

/** One message of it. */
export interface Posted<Kind extends Message = Message> extends Asking {
  readonly message: Kind
  /** The message as it came. */
  readonly text: JsonText
}
