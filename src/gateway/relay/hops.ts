import { RPC } from '../../kernel/mcp/protocol.ts'
import { RelayedError } from '../../kernel/mcp/relayed.ts'
import type { Connection } from '../connection/connection.ts'
import type { Line } from './line.ts'
import { badHop, lacksCapability } from './refusals.ts'

/** The connection that a request takes, and the line it belongs to. */
export interface Way {
  readonly line: Line
  readonly connection: Connection
}

/** An error about how the hub asks says nothing to the client. */
export function aboutHop(name: string, error: unknown): unknown {
  if (!(error instanceof RelayedError)) return error
  const { code } = error.error
  return code === RPC.headerMismatch || code === RPC.unsupportedRevision ? badHop(name, error.error) : error
}

/** Nor does one about what the client can do, in a number that its revision does not know. */
export function aboutClient(name: string, error: unknown): unknown {
  const lacking = error instanceof RelayedError && error.error.code === RPC.missingCapability
  return lacking ? lacksCapability(name, error.error) : aboutHop(name, error)
}
