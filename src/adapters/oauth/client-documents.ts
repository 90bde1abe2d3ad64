/**
 * Whether a client may describe itself in a document at that address (Client ID Metadata Documents). `hosts`: `app.example`,
 * `*.example` for those below it, `*` for all. Whatever the document holds is checked after that.
 */
/** Whether the document at that address may be asked for; whatever it holds is checked after that. */
export function mayFetchDocument(clientId: string, hosts: readonly string[]): boolean {
  const url = URL.parse(clientId)
  // MCP 2026-07-28, client registration: HTTPS and a path; an origin alone names no document.
  if (url?.protocol !== 'https:' || url.pathname === '/' || url.href !== clientId) return false
  return hosts.some((host) => matches(host, url.hostname))
}

const matches = (pattern: string, host: string): boolean =>
  pattern === '*' || pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)))
