import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openAuthorizationServer, type AuthorizationServer } from '../adapters/oauth/authorization-server.ts'
import { resourceMetadata } from '../adapters/oauth/resource-metadata.ts'
import { openLogins } from '../engines/logins/logins.ts'
import { openPeople } from '../engines/people/people.ts'
import { loadSecrets } from '../engines/secrets.ts'
import type { OpenStore } from '../engines/store/open-store.ts'
import { openSqlite } from '../engines/store/sqlite.ts'
import { systemClock } from '../kernel/clock.ts'
import type { SecurityEvent } from '../kernel/audit.ts'
import { createEvents, type Events } from '../kernel/events.ts'
import { createIdentity, type Identity } from '../kernel/identity.ts'
import { createLog } from '../kernel/log.ts'
import { createLoginThrottle } from '../kernel/login-throttle.ts'
import type { Logins } from '../kernel/logins.ts'
import type { PeopleKeeper } from '../kernel/people.ts'
import { DEFAULT_ROLES } from '../kernel/role.ts'
import type { DocumentFetch, OAuthPolicy } from '../adapters/oauth/provider-parts.ts'
import { temporaryFolder } from './folder.ts'
import { testDoor } from './hub.ts'
import type { Tool } from '../kernel/tool.ts'

export interface TestAuthorization {
  readonly origin: string
  /** Where it listens. */
  readonly address: string
  readonly server: AuthorizationServer
  readonly people: PeopleKeeper
  readonly logins: Logins
  readonly identity: Identity
  readonly events: Events
  readonly store: OpenStore
  /** What was noted for the audit. */
  readonly notes: SecurityEvent[]
  /** What was logged, as text. */
  readonly lines: string[]
}

export interface TestAuthorizationOptions {
  readonly tools: readonly Tool[]
  readonly policy?: Partial<OAuthPolicy>
  readonly fetch?: DocumentFetch
  readonly profiles?: readonly string[]
  /** Where a proxy with TLS would serve it; absent: where it listens. */
  readonly publicOrigin?: string
}

export const OWNER_TOKEN = 'token-of-the-owner-0123456789'

/** An authorization server on a free port of loopback, with real people, logins, keys and a database. Ends with the test. */
export async function startAuthorization(
  test: Pick<TestContext, 'after'>,
  { tools, policy, fetch, profiles = [], publicOrigin }: TestAuthorizationOptions,
): Promise<TestAuthorization> {
  const folder = temporaryFolder(test)
  const lines: string[] = []
  const log = createLog({ level: 'debug', write: (line) => lines.push(line) })
  const clock = systemClock
  const events = createEvents((error) => log.error('a listener failed', { error }))
  const store = openSqlite({ file: join(folder, 'hub.db'), log, clock })
  const secrets = loadSecrets({ file: join(folder, 'secret.key'), log })
  const throttle = createLoginThrottle(clock)
  const people = await openPeople({ store, events, throttle, roles: DEFAULT_ROLES, clock, log })
  let origin = ''
  const origins = {
    get preferred() {
      return origin
    },
    includes: (other: string) => other === origin,
  }
  const logins = await openLogins({ store, secrets, people, origins, throttle, events, clock, log })
  const identity = createIdentity(OWNER_TOKEN)
  const removeSource = identity.addSource(logins.source)
  const { registry } = testDoor(tools)
  const notes: SecurityEvent[] = []
  events.on('security.noted', (event) => notes.push(event))
  const isProfile = (name: string) => profiles.includes(name)
  const server = await openAuthorizationServer({
    store,
    secrets,
    people,
    identity,
    throttle,
    keys: logins.keys,
    origins,
    registry,
    events,
    clock,
    log,
    policy: { clientHosts: ['*'], registration: true, ...policy },
    fetch: fetch ?? (() => Promise.reject(new Error('nothing is fetched'))),
    isProfile,
    startingScopes: () => ['text:read'],
    endLogin: (credential) => logins.end(credential),
    onEndAll: logins.onEndAll,
    addressOf: ({ socket, headers }: IncomingMessage) => headers['x-forwarded-for']?.toString() ?? socket.remoteAddress,
  })
  const http = createServer((request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?', 1)
    const answer =
      server.at(path) ??
      resourceMetadata(path, {
        originOf: () => origin,
        authorizationServers: () => [origin],
        startingScopes: () => ['text:read'],
        isProfile,
      })
    if (answer) answer(request, response)
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const address = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  origin = publicOrigin ?? address
  test.after(async () => {
    http.closeAllConnections()
    http.close()
    await once(http, 'close')
    server.stop()
    removeSource()
    await logins.close()
    await people.close()
    await store.close()
  })
  return { origin, address, server, people, logins, identity, events, store, notes, lines }
}
