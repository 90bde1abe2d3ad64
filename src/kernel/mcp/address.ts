/**
 * Under which address a resource is offered whose own address another provider had first: `alicia:<provider>:<own>`. It
 * reads back without a table, and a template stays one. `ui://` resources keep their scheme, by which hosts know an app.
 */
export const addressOf = (provider: string, own: string): string =>
  own.startsWith(UI) ? `${UI}~${provider}/${own.slice(UI.length)}` : `${OURS}${provider}:${own}`

const OURS = 'alicia:'
const UI = 'ui://'

/** What `addressOf` was made of; undefined: it made no such address. */
export function readAddress(address: string): { provider: string; uri: string } | undefined {
  const ui = /^ui:\/\/~([a-z][a-z0-9_-]*)\/(.*)$/s.exec(address)
  const [, provider, rest] = ui ?? /^alicia:([a-z][a-z0-9_-]*):(.+)$/s.exec(address) ?? []
  if (provider === undefined || rest === undefined) return undefined
  return { provider, uri: ui ? `${UI}${rest}` : rest }
}

/** `file` of `file:///x`. */
export const schemeOf = (uri: string): string => uri.slice(0, Math.max(0, uri.indexOf(':'))).toLowerCase()
