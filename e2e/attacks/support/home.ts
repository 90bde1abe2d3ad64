import { fixtureCommand } from '../../../src/testing/fixture/fixture.ts'
import { startHub, type Answer, type Ending, type TestHub } from '../../support/hub.ts'
import { allListed } from '../../support/servers.ts'

export const PASSWORD = 'violet-harbour-quietly-94'

/** Two rooms, a device in each, an upstream server behind two profiles, and logins of programs at the broker. */
const CONFIG = {
  // Whoever attacks comes from an address of their own, which the test says in the name of a proxy.
  trustedProxies: ['127.0.0.1'],
  rooms: { kitchen: { topics: ['home/kitchen/#'] }, hall: { topics: ['home/hall/#'] } },
  devices: {
    'lamp-1': { room: 'kitchen', topics: ['zigbee2mqtt/lamp-1/#'] },
    'lock-1': { room: 'hall', topics: ['zigbee2mqtt/lock-1/#'] },
  },
  broker: {
    users: [
      { name: 'phone', password: PASSWORD, scopes: ['approvals:*'] },
      { name: 'tablet', password: PASSWORD, scopes: ['mqtt:*', 'catalog:*'] },
    ],
  },
}

const SERVERS = {
  mcpServers: {
    toys: { ...fixtureCommand('stdio'), alicia: { profiles: ['kids', 'work'] } },
  },
  profiles: { kids: { servers: ['toys', 'mqtt'], resultTokens: 300 }, work: { servers: ['toys', 'mqtt', 'health'] } },
}

const withServers = (more: object) => ({ ...SERVERS, mcpServers: { ...SERVERS.mcpServers, ...more } })

/** One of each role; the guest has the kitchen. */
const PEOPLE = {
  olga: { role: 'owner' },
  anna: { role: 'adult' },
  kim: { role: 'child' },
  gus: { role: 'guest', scopes: ['mqtt:*@room/kitchen'] },
  robo: { role: 'service', scopes: ['mqtt:*', 'mcp:toys'] },
} as const
export type Name = keyof typeof PEOPLE

export interface Login {
  readonly access_token: string
  readonly refresh_token: string
  readonly scope: string
}

/** A hub that somebody lives in. */
export interface AttackedHome {
  readonly hub: TestHub
  /** A personal access token of each, with all that they may. */
  readonly tokens: Readonly<Record<Name, string>>
  /** `POST /api/…` with somebody's token. */
  as(name: Name, operation: string, input?: object): Promise<Answer>
  /** A token of somebody's with less. */
  lend(name: Name, label: string, scopes: readonly string[]): Promise<string>
  logIn(name: Name, more?: object): Promise<Login>
}

/** `servers`: other people's, besides. `args`: of `alicia start`. */
export async function startHome(
  ending: Ending,
  servers: object = {},
  args: readonly string[] = [],
): Promise<AttackedHome> {
  const hub = await startHub(ending, {
    config: CONFIG,
    mcp: withServers(servers),
    args: ['--log-level', 'debug', ...args],
  })
  await Promise.all(
    Object.entries(PEOPLE).map(([name, person]) =>
      hub.result('people.add_person', { name, ...person, password: PASSWORD }),
    ),
  )
  const lend = async (name: Name, label: string, scopes: readonly string[]) =>
    String((await hub.result('tokens.create_token', { name: label, scopes, for: name }))['token'])
  const made = Object.keys(PEOPLE).map(
    async (name) => [name, await lend(name as Name, `${name}s token`, ['*'])] as const,
  )
  const tokens = Object.fromEntries(await Promise.all(made)) as Record<Name, string>
  await allListed(hub, ['toys', ...Object.keys(servers)])
  return {
    hub,
    tokens,
    lend,
    as: (name, operation, input) => hub.call(operation, input, { token: tokens[name] }),
    logIn: (name, more) => logInAt(hub, name, more),
  }
}

export async function logInAt({ urls }: Pick<TestHub, 'urls'>, name: string, more: object = {}): Promise<Login> {
  const response = await fetch(`${urls.http}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password: PASSWORD, ...more }),
  })
  return (await response.json()) as Login
}
