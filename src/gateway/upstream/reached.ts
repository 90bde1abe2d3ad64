import type { Transport } from '../../kernel/mcp/server-definition.ts'

/** Characters of a command line that are shown. */
const LONGEST = 200

/** How a server is reached, for people: its command, or its address without user, password and query. */
export function reachedBy(transport: Transport): string {
  if (transport.kind === 'stdio') return `stdio: ${[transport.command, ...transport.args].join(' ')}`.slice(0, LONGEST)
  const { origin, pathname } = new URL(transport.url)
  return `${origin}${pathname}`
}
