import { Fault } from '../../kernel/fault.ts'

/** The flags of `alicia add`. */
export interface EntryFlags {
  readonly url?: string
  readonly transport?: string
  readonly env: readonly string[]
  readonly header: readonly string[]
  readonly profile: readonly string[]
  readonly cwd?: string
  readonly onDemand?: boolean
}

const TRANSPORTS = ['stdio', 'http', 'sse', 'ws']

/** The entry of `mcp.json` for one command line. Throws Fault `invalid_input`. */
export function entryOf(words: readonly string[], flags: EntryFlags): Record<string, unknown> {
  const { transport, profile, onDemand } = flags
  if (transport !== undefined && !TRANSPORTS.includes(transport))
    throw refused(`--transport must be one of ${TRANSPORTS.join(', ')}`)
  const url = flags.url ?? addressIn(words, transport)
  if (flags.url !== undefined && words.length > 0)
    throw refused('There are a command and an address: one of them is too much')
  return {
    ...(url === undefined ? commandEntry(words, flags) : addressEntry(url, flags)),
    ...(profile.length > 0 && { profiles: profile }),
    ...(onDemand && { start: 'on_demand' }),
  }
}

/** `claude mcp add --transport http name https://…` has the address where a command would be. */
function addressIn(words: readonly string[], transport: string | undefined): string | undefined {
  const [word = ''] = words
  return words.length === 1 && transport !== 'stdio' && /^(https?|wss?):\/\//i.test(word) ? word : undefined
}

function addressEntry(url: string, { transport, env, header }: EntryFlags) {
  if (transport === 'stdio') throw refused('--transport stdio goes with a command, not with an address')
  if (env.length > 0) throw refused('--env goes with a command, not with an address')
  const headers = pairs(header, /^([^:\s]+):\s*(.*)$/s, '--header must be "Name: value"')
  const type = transport === 'ws' || /^ws/i.test(url) ? 'websocket' : transport
  return { ...(type !== undefined && { type }), url, ...(headers && { headers }) }
}

function commandEntry([command, ...args]: readonly string[], { transport, header, cwd, ...flags }: EntryFlags) {
  if (command === undefined)
    throw refused('There is neither a command nor an address', {
      hint: 'alicia add <name> -- npx -y <package>, or alicia add <name> --url https://…',
    })
  if (transport !== undefined && transport !== 'stdio')
    throw refused(`--transport ${transport} goes with --url, not with a command`)
  if (header.length > 0) throw refused('--header goes with --url, not with a command')
  // Claude Code takes several after one -e; here the second would be the program.
  if (/^[A-Za-z_]\w*=/.test(command))
    throw refused('There is a variable where the command belongs', {
      hint: 'Each has a flag of its own: -e A=1 -e B=2',
    })
  const env = pairs(flags.env, /^([A-Za-z_][\w.-]*)=(.*)$/s, '--env must be NAME=value')
  return { command, ...(args.length > 0 && { args }), ...(env && { env }), ...(cwd !== undefined && { cwd }) }
}

const refused = (complaint: string, options: { hint?: string } = {}) =>
  new Fault('invalid_input', `${complaint}.`, options)

/** The entry as JSON. Throws Fault `invalid_input`; the text is no part of it: it may hold a secret. */
export function entryOfJson(text: string): object {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Fault('invalid_input', 'The server is not valid JSON.', {
      hint: 'In a shell, put it into single quotes: \'{"command": "npx", "args": ["-y", "<package>"]}\'.',
    })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new Fault('invalid_input', 'The server must be a JSON object.')
}

/** What did not fit may hold a secret: it is not repeated. */
function pairs(given: readonly string[], form: RegExp, complaint: string): Record<string, string> | undefined {
  if (given.length === 0) return undefined
  return Object.fromEntries(
    given.map((text) => {
      const [, name, value = ''] = form.exec(text) ?? []
      if (name === undefined) throw refused(complaint)
      return [name, value]
    }),
  )
}
