import type { Exchange } from './call-tool.ts'
import { isObject, RpcError, type Request } from '../../kernel/mcp/message.ts'
import { META, RPC } from '../../kernel/mcp/protocol.ts'
import type { McpServer } from './server.ts'

/**
 * Answers `subscriptions/listen` (2026-07-28, patterns, "Subscriptions"): acknowledges, then reports changes until the
 * client cancels or the server shuts down; the result is its graceful end. Alicia has tools only, so that is all it
 * agrees to report.
 */
export function listen(server: McpServer, request: Request, exchange: Exchange): Promise<object> {
  const wanted = request.params['notifications']
  if (!isObject(wanted)) throw new RpcError(RPC.invalidParams, 'Invalid params: notifications must be an object.')
  const meta = { _meta: { [META.subscription]: request.id } }
  const toolsListChanged = wanted['toolsListChanged'] === true
  exchange.notify('notifications/subscriptions/acknowledged', {
    ...meta,
    notifications: toolsListChanged ? { toolsListChanged } : {},
  })
  const stop = toolsListChanged
    ? server.events.on('tools.changed', () => exchange.notify('notifications/tools/list_changed', meta))
    : () => {}
  return new Promise((resolve) => {
    const end = () => {
      stop()
      resolve({ resultType: 'complete', ...meta })
    }
    if (exchange.signal.aborted) end()
    else exchange.signal.addEventListener('abort', end, { once: true })
  })
}
