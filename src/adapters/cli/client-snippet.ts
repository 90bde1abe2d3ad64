/** Stands where the token belongs, in snippets that are shown without it. */
export const TOKEN_PLACE = '<access token>'

/** What MCP clients with a JSON configuration take, over HTTP. */
export function clientSnippet(mcpUrl: string, token: string) {
  return { mcpServers: { alicia: { type: 'http', url: mcpUrl, headers: { Authorization: `Bearer ${token}` } } } }
}

/** The same for a client that starts its servers; it reads the token from the data folder by itself. */
export function stdioSnippet([program = 'alicia', ...args]: readonly string[]) {
  return { mcpServers: { alicia: { command: program, args } } }
}

/** A word as a POSIX shell takes it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
