import { Option, type Command } from 'commander'
import { ROLES } from '../../kernel/role.ts'
import type { Context, HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import type { PairFlags } from './pair.ts'
import type { RightsFlags } from './user.ts'
import { lazy } from './lazy.ts'

const pairDevice = lazy(async () => (await import('./pair.ts')).pairDevice)
const addUser = lazy(async () => (await import('./user.ts')).addUser)
const changeRole = lazy(async () => (await import('./user.ts')).changeRole)
const listUsers = lazy(async () => (await import('./user.ts')).listUsers)
const removeUser = lazy(async () => (await import('./user.ts')).removeUser)
const setDisabled = lazy(async () => (await import('./user.ts')).setDisabled)
const setPassword = lazy(async () => (await import('./user.ts')).setPassword)

export interface UserCommands<Config extends HubConfig> {
  readonly program: Command
  readonly context: Context<Config>
  ends(command: Promise<Exit>): Promise<void>
  /** Adds the flags that lead to a running hub. */
  withHub(command: Command): Command
}

/** Commands about the people of the home, and their devices. */
export function addUserCommands<Config extends HubConfig>(parts: UserCommands<Config>): void {
  const { program, context, ends, withHub } = parts
  const user = program.command('user').description('the people of the home, and what they may')
  withRights(withHub(user.command('add').description('add somebody: alicia user add mia --role child')))
    .argument('<name>', 'what they log in with')
    .addOption(roleOption().makeOptionMandatory())
    .option('--password', 'ask for a password, or read it from stdin; without one they pair a device')
    .action((name: string, flags: RightsFlags & { role: string; password?: boolean }) =>
      ends(addUser(context, name, flags)),
    )
  withHub(user.command('list').description('who there is, with roles and rights')).action((flags: HubFlags) =>
    ends(listUsers(context, flags)),
  )
  for (const [verb, description] of [
    ['disable', 'refuse somebody and all they have open, until `user enable`'],
    ['enable', 'let somebody in again'],
  ] as const)
    withHub(user.command(verb).description(description))
      .argument('<name>', 'as `user list` shows it')
      .action((name: string, flags: HubFlags) =>
        ends(setDisabled(context, name, { ...flags, disabled: verb === 'disable' })),
      )
  withHub(user.command('remove').description('remove somebody with their password, pairings and tokens'))
    .argument('<name>', 'as `user list` shows it')
    .action((name: string, flags: HubFlags) => ends(removeUser(context, name, flags)))
  withRights(withHub(user.command('role').description('give somebody another role, or other rights')))
    .argument('<name>', 'as `user list` shows it')
    .argument('<role>', ROLES.join(', '))
    .action((name: string, role: string, flags: RightsFlags) => ends(changeRole(context, name, { ...flags, role })))
  withHub(user.command('password').description('set a password; it is asked for, or read from stdin'))
    .argument('<name>', 'as `user list` shows it')
    .action((name: string, flags: HubFlags) => ends(setPassword(context, name, flags)))
  addPairCommand(parts)
}

function addPairCommand<Config extends HubConfig>({ program, context, ends, withHub }: UserCommands<Config>): void {
  withHub(program.command('pair').description('let a phone or browser in: shows a code for it, good once'))
    .argument('[name]', 'whose it is; absent: the one person there is')
    .option('--scope <scope...>', 'what it may; absent: all that the person may')
    .option('--minutes <minutes>', 'how long the code can be used (10)')
    .option('--no-qr', 'the address alone')
    .action((name: string | undefined, flags: PairFlags) => ends(pairDevice(context, name, flags)))
}

const roleOption = () => new Option('--role <role>', 'what they are').choices(ROLES)

const withRights = (command: Command): Command =>
  command
    .option('--scope <scope...>', 'what they may, instead of what the role may: area:verb, area:* or *')
    .option('--room <room...>', 'only what is in these rooms')
