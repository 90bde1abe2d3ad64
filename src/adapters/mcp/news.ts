import { isObject, type Params } from '../../kernel/mcp/message.ts'
import { atLeast, isLogLevel } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { EventMap } from '../../kernel/events.ts'
import type { McpServer } from './server.ts'
import type { Client } from './exchange.ts'
import type { WatchList } from './watch-list.ts'

/** Who hears: a session, as far as news concern it. */
export interface Hearer extends Client {
  readonly id: string
  readonly watched: WatchList
  notify(method: string, params?: JsonText): void
}

/** Tells a session what happens outside its requests. Returns what ends it. */
export function announceTo(session: Hearer, { events, catalog, tasks, registry }: McpServer): () => void {
  const mayHear = (id: string): boolean => {
    const provider = [...registry.providers()].find((one) => one.id === id)
    return provider !== undefined && session.view.includes(provider) && session.view.hears(session.caller, provider)
  }
  const isOwn = (caller: string | undefined) => caller === undefined || caller === session.caller.id
  const wants = ({ provider, method, params, session: only, caller }: EventMap['mcp.notified']): boolean => {
    if (!isOwn(caller) || (only !== undefined ? only !== session.id : !mayHear(provider))) return false
    if (method === 'notifications/message') return isLoudEnough(JSON.parse(params), session)
    if (!method.startsWith('notifications/tasks')) return true
    const value: unknown = JSON.parse(params)
    return isObject(value) && tasks.isOf(value['taskId'], session.caller, provider)
  }
  const stops = [
    events.on('tools.changed', () => session.notify('notifications/tools/list_changed')),
    events.on('prompts.changed', () => session.notify('notifications/prompts/list_changed')),
    events.on('resources.changed', () => session.notify('notifications/resources/list_changed')),
    events.on('resource.updated', (updated) => {
      const { provider, uri, caller } = updated
      if (!isOwn(caller) || !session.watched.includes(provider, uri)) return
      session.notify('notifications/resources/updated', catalog.updateOf(updated))
    }),
    events.on('mcp.notified', (event) => {
      if (wants(event)) session.notify(event.method, event.params)
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

/** Who set no level gets what the server thinks right (2025-11-25, logging). */
function isLoudEnough(params: unknown, { logLevel }: Hearer): boolean {
  const level: unknown = isObject(params) ? (params as Params)['level'] : undefined
  return logLevel === undefined || !isLogLevel(level) || atLeast(level, logLevel)
}
