import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { OWNER } from '../../kernel/identity.ts'
import type { Log } from '../../kernel/log.ts'
import type { ServerDefinition, Transport } from '../../kernel/mcp/server-definition.ts'
import type { LoginAnswer, WaitingLogin } from '../../kernel/ports.ts'
import type { Fetch } from './guarded-fetch.ts'
import { createUpstreamLogin, type UpstreamLogin } from './login.ts'
import type { TokenVault } from './vault.ts'

export interface LoginsOptions {
  readonly vault: TokenVault
  /** Where authorization servers send the browser back to. */
  readonly redirectUrl: string
  readonly clock: Clock
  readonly log: Log
  readonly fetch: Fetch
  /** A server turned out to ask each person for a login, and this one has it. */
  onLogin(id: string, person: string): void
}

/** The logins of all upstreams that can ask for one: those reached over HTTP, without credentials in the configuration. */
export interface Logins {
  /** A `fetch` that shows the person's token; undefined: this server gets what the configuration says. */
  fetchFor(definition: ServerDefinition, transport: Transport, person: Caller | undefined): Fetch | undefined
  /** Throws Fault `conflict` where there is nothing to log in at. */
  begin(definition: ServerDefinition, person: Caller, signal: AbortSignal): Promise<{ authorizationUrl: string }>
  /** The login that waits for an answer with this state. Looks, and uses nothing up. */
  waiting(state: string): WaitingLogin | undefined
  /**
   * `account`: who is signed in with the browser that the answer came by, where that was asked. Throws Fault `not_found` for a
   * login nobody began here, `forbidden` for one that somebody else began.
   */
  finish(
    answer: LoginAnswer,
    signal: AbortSignal,
    account?: string,
  ): Promise<{ readonly id: string; readonly person: string }>
  logout(definition: ServerDefinition, person: Caller, signal: AbortSignal): Promise<void>
  /** Somebody is there no more: forgets what they have anywhere, and revokes it at these servers where that can be. */
  leave(person: string, definitions: readonly ServerDefinition[], signal: AbortSignal): Promise<void>
  /** The server is there no more, or is another one. */
  forget(id: string): void
}

export function createLogins(options: LoginsOptions): Logins {
  /** By server and address: replicas may lie at several, and a token of one is not for another. */
  const byServer = new Map<string, Map<string, UpstreamLogin>>()

  const loginOf = (definition: ServerDefinition, transport: Transport): UpstreamLogin | undefined => {
    if (transport.kind !== 'http' || hasOwnCredentials(transport.headers)) return undefined
    const { id, oauth } = definition
    const { url } = transport
    const known = byServer.get(id)?.get(url)
    if (known) return known
    const { vault, redirectUrl, clock, log, fetch } = options
    const made = createUpstreamLogin({
      id,
      key: keyOf(definition, url),
      url,
      ...(oauth && { definition: oauth }),
      vault,
      redirectUrl,
      clock,
      log,
      fetch,
      onChange(person, status) {
        if (status.is === 'logged_in') options.onLogin(id, person)
      },
    })
    byServer.set(id, (byServer.get(id) ?? new Map<string, UpstreamLogin>()).set(url, made))
    return made
  }

  /** Of each address that may ask for one. */
  const required = (definition: ServerDefinition): [UpstreamLogin, ...UpstreamLogin[]] => {
    const all = definition.replicas.flatMap(({ transport }) => loginOf(definition, transport) ?? [])
    const [first, ...more] = new Set(all)
    if (first) return [first, ...more]
    throw new Fault('conflict', `${definition.id} asks for no login: it gets what the configuration says.`)
  }

  const loginWith = (state: string): UpstreamLogin | undefined =>
    [...byServer.values()].flatMap((logins) => [...logins.values()]).find((login) => login.waiting(state))

  return {
    fetchFor: (definition, transport, person) => loginOf(definition, transport)?.fetch(person?.id ?? OWNER.id),
    async begin(definition, person, signal) {
      const logins = required(definition)
      const account = accountOf(person)
      for (const login of logins)
        if ((await login.status(person.id)).is === 'logged_out') return await login.begin(person.id, signal, account)
      return await logins[0].begin(person.id, signal, account)
    },
    waiting(state) {
      const login = loginWith(state)
      return login && { server: login.id, ...login.waiting(state) }
    },
    async finish(answer, signal, account) {
      const login = loginWith(answer.state)
      if (login) return { id: login.id, ...(await login.finish(answer, signal, account)) }
      throw new Fault(
        'not_found',
        'No login with this state waits for an answer: it is over, or was begun elsewhere.',
        {
          hint: 'Begin again with `alicia login <server>`.',
        },
      )
    },
    async logout(definition, person, signal) {
      await Promise.all(required(definition).map((login) => login.logout(person.id, signal)))
    },
    async leave(person, definitions, signal) {
      const held = await options.vault.upstreams(person)
      for (const definition of definitions)
        for (const { transport } of definition.replicas)
          if (transport.kind === 'http' && held.includes(keyOf(definition, transport.url)))
            await loginOf(definition, transport)?.logout(person, signal)
      // Of servers that were taken out, or have a credential in the configuration by now.
      for (const upstream of await options.vault.upstreams(person)) await options.vault.removeGrant(upstream, person)
    },
    forget(id) {
      for (const login of byServer.get(id)?.values() ?? []) login.close()
      byServer.delete(id)
    },
  }
}

/**
 * Who has to be signed in to end a login that this caller began: a person for whatever acts for them, the owner for a token of
 * nobody in particular and for a program that the owner let in. Nobody for the owner's own token: whoever has that may do
 * everything anyway.
 */
const accountOf = ({ id, person, client }: Caller): string | undefined =>
  id === OWNER.id && client === undefined ? undefined : (person ?? OWNER.id)

/** What tokens for that address are stored under. */
function keyOf({ id, replicas: [first] }: ServerDefinition, url: string): string {
  return first?.transport.kind === 'http' && first.transport.url === url ? id : `${id} ${url}`
}

const hasOwnCredentials = (headers: Readonly<Record<string, string>>): boolean =>
  Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')
