import { Fault } from '../../kernel/fault.ts'
import { isGrant, parseGrant } from '../../kernel/scope.ts'
import { note, ok, warning, type Check, type Finding } from './check.ts'
import type { Context, HubFlags } from './context.ts'
import { hubClient } from './hub-client.ts'
import type { FoundHub, HubConfig } from './hub.ts'
import { harmless } from './style.ts'
import { write } from './terminal.ts'

type Home = Pick<HubConfig, 'rooms' | 'devices'>

/** Rooms and devices that grants name, `room kitchen`, and in which the configuration has nothing. */
export function missingPlaces(grants: readonly string[], { rooms = {}, devices = {} }: Home): readonly string[] {
  const furnished = new Set([
    ...Object.keys(devices).map((name) => `device ${name}`),
    ...Object.values(devices).map(({ room }) => `room ${room}`),
    ...Object.entries(rooms).flatMap(([name, { topics }]) => (topics.length > 0 ? [`room ${name}`] : [])),
  ])
  const named = grants
    .filter(isGrant)
    .flatMap((grant) => parseGrant(grant).bounds)
    .filter(({ kind }) => kind === 'room' || kind === 'device')
    .map(({ kind, name }) => `${kind} ${name}`)
  return [...new Set(named)].filter((place) => !furnished.has(place))
}

/** Says so after somebody was given rights there: it may be a slip, or the configuration comes next. Nothing of a hub elsewhere. */
export async function warnOfMissingPlaces<Config extends HubConfig>(
  { composition, terminal }: Context<Config>,
  flags: HubFlags,
  grants: readonly string[],
): Promise<void> {
  if (flags.url !== undefined || flags.json === true) return
  const missing = missingPlaces(grants, composition.loadConfig({ ...flags }))
  if (missing.length === 0) return
  const text = `The configuration has no ${missing.join(', no ')}: until it does, nothing is in there.`
  await write(terminal.stderr, `${harmless(text)}\n`)
}

/** Whether people and tokens have rights in rooms that the running hub knows nothing of. */
export function placesCheck(hub: FoundHub, token: string | undefined, home: Home): Check {
  return { name: 'Rooms', run: (signal) => look(hub, token, home, signal) }
}

async function look(hub: FoundHub, token: string | undefined, home: Home, signal: AbortSignal): Promise<Finding> {
  const client = hubClient({ url: hub.url, token })
  const list = async (operation: string, key: string): Promise<readonly Holder[]> => {
    try {
      const result = (await client.call(operation, {}, { signal })) as Record<string, readonly Holder[]>
      return result[key] ?? []
    } catch (error) {
      if (error instanceof Fault && error.code === 'not_found') return []
      throw error
    }
  }
  const holders = [...(await list('people.list_people', 'people')), ...(await list('tokens.list_tokens', 'tokens'))]
  const missing = holders.flatMap(({ name, scopes }) => missingPlaces(scopes, home).map((place) => `${name}: ${place}`))
  if (missing.length > 0)
    return warning(
      `rights end where the configuration has nothing: ${missing.join(', ')}`,
      'Name its topics in `rooms` or `devices` and restart the hub, or correct the right: `alicia user role`.',
    )
  const count = Object.keys(home.rooms ?? {}).length
  return count === 0 ? note('none in the configuration') : ok(`${count}, and all that rights name are there`)
}

interface Holder {
  readonly name: string
  readonly scopes: readonly string[]
}
