import { Fault } from '../../kernel/fault.ts'
import { failed, note, ok, warning, type Check, type Finding } from './check.ts'
import type { FoundHub } from './hub.ts'
import { hubClient } from './hub-client.ts'

/** What the running hub says of an MCP server, as far as it matters here. */
interface Server {
  readonly name: string
  readonly state: string
  readonly reason?: string
  /** Empty: it cannot be run as it is written. */
  readonly reached: string
  readonly held_tools: number
}

/** How the MCP servers are that the hub runs. */
export function runningServersCheck(hub: FoundHub, token: string | undefined): Check {
  return {
    name: 'MCP servers',
    async run(signal) {
      const client = hubClient({ url: hub.url, token })
      try {
        const result = await client.call('gateway.list_servers', {}, { signal })
        return findingOf((result as { servers: readonly Server[] }).servers)
      } catch (error) {
        if (error instanceof Fault && error.code === 'not_found') return note('the hub runs without that service')
        throw error
      }
    },
  }
}

function findingOf(servers: readonly Server[]): Finding {
  if (servers.length === 0) return note('none; `alicia add` adds one')
  // What cannot be run as it is written has a check of its own.
  const down = servers.filter(({ state, reached }) => state in WORDS && reached !== '')
  const [first] = down
  if (first)
    return failed(
      down.map(({ name, state, reason }) => `${name} ${WORDS[state]}: ${reason ?? 'no reason'}`).join('; '),
      first.state === 'needs_login'
        ? `\`alicia login ${first.name}\`.`
        : `\`alicia logs ${first.name}\` says more; \`alicia restart ${first.name}\` tries again at once.`,
    )
  const holding = servers.find((server) => server.held_tools > 0)
  if (holding)
    return warning(
      `${holding.name} holds back ${holding.held_tools === 1 ? 'a tool' : `${holding.held_tools} tools`}`,
      `\`alicia review ${holding.name}\` shows what is new or different.`,
    )
  const sick = servers.filter(({ state }) => state === 'degraded').map(({ name }) => name)
  if (sick.length > 0) return warning(`${sick.join(', ')} answers badly`, `\`alicia inspect ${sick[0]}\` says why.`)
  return ok(`${servers.length}, none of them in trouble`)
}

/** States in which nobody can use it. */
const WORDS: Readonly<Record<string, string>> = {
  backing_off: 'is backing off',
  failed: 'has failed',
  needs_login: 'needs a login',
}
