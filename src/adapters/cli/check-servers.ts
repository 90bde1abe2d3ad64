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
  /** What it needs and is down. */
  readonly waits_for?: string
}

const SICK: ReadonlySet<string> = new Set(['unavailable', 'degraded'])

interface Service {
  readonly name: string
  readonly kind: string
  readonly status: string
  readonly reason?: string | null
}

/** Which parts of the hub are down or not well, in the hub's own words. */
export function partsCheck(hub: FoundHub, token: string | undefined): Check {
  return {
    name: 'Parts',
    async run(signal) {
      const result = await hubClient({ url: hub.url, token })
        .call('health.list_services', {}, { signal })
        .catch((error: unknown) => {
          if (error instanceof Fault && error.code === 'not_found') return undefined
          throw error
        })
      if (result === undefined) return note('the hub runs without the service health')
      const { services } = result as { services: readonly Service[] }
      // MCP servers have a check of their own.
      const down = services.filter(({ kind, status }) => kind === 'part' && SICK.has(status))
      if (down.length === 0) return ok('all of them work')
      const said = down.map(({ name, status, reason }) => `${name} is ${status}: ${reason ?? 'no reason known'}`)
      return failed(said.join('; '), '`alicia call list_services` says since when, and the hub’s log says more.')
    },
  }
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
  const waiting = servers
    .filter((server) => !down.includes(server))
    .flatMap(({ name, waits_for: cause }) => (cause === undefined ? [] : [`${name} waits: ${cause}`]))
  const [first] = down
  if (first)
    return failed(
      down
        .map(({ name, state, reason }) => `${name} ${wordsOf(WORDS[state] ?? '', reason ?? 'no reason')}`)
        .concat(waiting)
        .join('; '),
      first.state === 'needs_login'
        ? `\`alicia login ${first.name}\`.`
        : `\`alicia logs ${first.name}\` says more; \`alicia restart ${first.name}\` tries again at once.`,
    )
  if (waiting.length > 0) return warning(waiting.join('; '), 'It can be used again as soon as what it needs can.')
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

/** A reason may say the state itself: "it needs a login: nobody has logged in yet". */
const wordsOf = (words: string, reason: string): string =>
  reason.startsWith(`it ${words}`) ? reason.slice('it '.length) : `${words}: ${reason}`

/** States in which nobody can use it. */
const WORDS: Readonly<Record<string, string>> = {
  backing_off: 'is backing off',
  failed: 'has failed',
  needs_login: 'needs a login',
}
