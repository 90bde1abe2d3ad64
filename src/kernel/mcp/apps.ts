import { isObject, type Params } from './message.ts'

/** MCP Apps (SEP-1865, 2026-01-26): user interfaces that servers bring along, as `ui://` resources which tools name. */
export const APPS = 'io.modelcontextprotocol/ui'

/** What a client declares that shows them; the only kind of content there is. */
export const SHOWS_APPS = { [APPS]: { mimeTypes: ['text/html;profile=mcp-app'] } } as const

/** Whether a client with these capabilities shows apps, and so keeps from its model what is only for them. */
export const showsApps = ({ extensions }: Params): boolean => isObject(extensions) && isObject(extensions[APPS])

/** The resource that shows a tool's results, by the tool as its server describes it. */
export function appOf({ _meta: meta }: Params): string | undefined {
  if (!isObject(meta)) return undefined
  const { ui } = meta
  // The second is how it was written before there was a stable revision; what is said beside it may be newer.
  const uri = (isObject(ui) ? ui['resourceUri'] : undefined) ?? meta['ui/resourceUri']
  // Another address is no app's: a tool could claim with it what another server has (SEP-1865, "UI Resource Format").
  return typeof uri === 'string' && uri.startsWith('ui://') ? uri : undefined
}

/** Whether a tool is for its app alone (SEP-1865, "Visibility"). It says nothing: it is for models too. */
export function isForAppAlone({ _meta: meta }: Params): boolean {
  const visibility = isObject(meta) && isObject(meta['ui']) ? meta['ui']['visibility'] : undefined
  return Array.isArray(visibility) && !visibility.includes('model')
}
