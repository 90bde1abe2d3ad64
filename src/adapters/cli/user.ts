import { Fault } from '../../kernel/fault.ts'
import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import { hiddenInput } from './hidden-input.ts'
import type { HubConfig } from './hub.ts'
import { hubClient } from './hub-client.ts'
import { warnOfMissingPlaces } from './missing-places.ts'
import { harmless } from './style.ts'
import { write } from './terminal.ts'

export interface RightsFlags extends HubFlags {
  readonly scope?: readonly string[]
  readonly room?: readonly string[]
}

/** What there is to do with a room. */
const IN_A_ROOM = ['mqtt:*', 'devices:*']

/** `alicia user add <name> --role …` */
export async function addUser<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: RightsFlags & { readonly role: string; readonly password?: boolean },
): Promise<Exit> {
  const scopes = scopesOf(flags)
  await cancellable(context, async (signal) => {
    const password = flags.password === true ? await newPassword(context, name, signal) : undefined
    const input = {
      name,
      role: flags.role,
      ...(scopes && { scopes }),
      ...(password !== undefined && { password }),
    }
    const result = await clientOf(context, flags).call('people.add_person', input, { signal })
    await print(context.terminal, result, flags.json ?? false)
    await warnOfMissingPlaces(context, flags, scopes ?? [])
    if (password === undefined && !flags.json)
      await write(context.terminal.stderr, `\`alicia pair ${harmless(name)}\` lets their phone or browser in.\n`)
  })
  return 'ok'
}

export async function listUsers<Config extends HubConfig>(context: Context<Config>, flags: HubFlags): Promise<Exit> {
  const result = await run(context, flags, { operation: 'people.list_people', input: {} })
  const { people } = result as { people?: readonly Listed[] }
  await print(context.terminal, flags.json || !people ? result : people.map(inOneLine), flags.json ?? false)
  return 'ok'
}

/** What `people.list_people` answers of each. */
interface Listed {
  readonly name: string
  readonly role: string
  readonly scopes: readonly string[]
  readonly has_password: boolean
  readonly disabled: boolean
}

const MOST_SHOWN = 3

const inOneLine = ({ name, role, scopes, has_password: hasPassword, disabled }: Listed) => ({
  name,
  role,
  state: disabled ? 'disabled' : hasPassword ? 'password' : 'no password',
  may: scopes.length > MOST_SHOWN ? `${scopes.slice(0, MOST_SHOWN).join(', ')}, …` : scopes.join(', ') || 'nothing',
})

/** `alicia user disable <name>`, `enable` */
export async function setDisabled<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  { disabled, ...flags }: HubFlags & { readonly disabled: boolean },
): Promise<Exit> {
  return await show(context, flags, { operation: 'people.change_person', input: { name, disabled } })
}

/** `alicia user role <name> <role>` */
export async function changeRole<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: RightsFlags & { readonly role: string },
): Promise<Exit> {
  const scopes = scopesOf(flags)
  const input = { name, role: flags.role, ...(scopes && { scopes }) }
  await show(context, flags, { operation: 'people.change_person', input })
  await warnOfMissingPlaces(context, flags, scopes ?? [])
  return 'ok'
}

export async function removeUser<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: HubFlags,
): Promise<Exit> {
  return await show(context, flags, { operation: 'people.remove_person', input: { name } })
}

/** `alicia user password <name>`: what they had open ends. */
export async function setPassword<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: HubFlags,
): Promise<Exit> {
  await cancellable(context, async (signal) => {
    const password = await newPassword(context, name, signal)
    await clientOf(context, flags).call('people.set_password', { name, password }, { signal })
  })
  await write(context.terminal.stderr, `${harmless(name)} has a new password. What was open with the old one ended.\n`)
  return 'ok'
}

/** Typed twice where nobody sees it. Throws Fault `invalid_input`. */
async function newPassword(context: Context, name: string, signal: AbortSignal): Promise<string> {
  const { terminal } = context
  const password = await hiddenInput(terminal, { message: `New password of ${name}`, signal })
  if (!terminal.stdin.isTTY) return password
  if ((await hiddenInput(terminal, { message: 'Once more', signal })) === password) return password
  throw new Fault('invalid_input', 'These are two different passwords.', { hint: 'Nothing was changed. Try again.' })
}

/** Each scope in each room; what has bounds of its own keeps them beside. Undefined: those of the role. */
function scopesOf({ scope, room }: RightsFlags): readonly string[] | undefined {
  if (room === undefined) return scope
  return (scope ?? IN_A_ROOM).flatMap((one) => room.map((name) => `${one}@room/${name}`))
}

interface Work {
  readonly operation: string
  readonly input: object
}

async function show<Config extends HubConfig>(context: Context<Config>, flags: HubFlags, work: Work): Promise<Exit> {
  await print(context.terminal, await run(context, flags, work), flags.json ?? false)
  return 'ok'
}

const run = <Config extends HubConfig>(context: Context<Config>, flags: HubFlags, { operation, input }: Work) =>
  cancellable(context, (signal) => clientOf(context, flags).call(operation, input, { signal }))

const clientOf = <Config extends HubConfig>(context: Context<Config>, flags: HubFlags) =>
  hubClient(addressOf(context, flags))
