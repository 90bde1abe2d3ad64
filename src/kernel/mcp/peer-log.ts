import type { LogListener } from '../call-log.ts'
import type { Peer } from './peer.ts'
import { atLeast, type LogLevel } from './protocol.ts'

/** What an old client that set no level gets to see of the hub's own log. */
const DEFAULT_LEVEL: LogLevel = 'warning'

/** Tells an MCP client what the hub itself logs for its call, as far as it wants to hear it; undefined: nothing. */
export function peerLog(peer: Peer, logger: string): LogListener | undefined {
  const wanted = peer.logLevel ?? (peer.session && DEFAULT_LEVEL)
  if (wanted === undefined) return undefined
  return (level, message, fields) => {
    const severity = level === 'warn' ? 'warning' : level
    if (!atLeast(severity, wanted)) return
    const data = { message, ...fields }
    peer.notify('notifications/message', JSON.stringify({ level: severity, logger, data }))
  }
}
