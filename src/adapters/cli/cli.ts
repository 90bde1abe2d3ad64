import { Command, CommanderError, Option } from 'commander'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { addBrokerCommands } from './broker-commands.ts'
import { addCallApprovalCommands } from './call-approval-commands.ts'
import { addAuditCommands } from './audit-commands.ts'
import { addBackupCommands } from './backup-commands.ts'
import type { CallFlags } from './call.ts'
import { reportFailure, type Context, type HubFlags } from './context.ts'
import { EXITS, type Exit } from './exit-codes.ts'
import type { Composition, ConfigFlag, HubConfig } from './hub.ts'
import { addKeyCommands } from './key-commands.ts'
import { addServerCommands } from './server-commands.ts'
import { start } from './start.ts'
import type { Terminal } from './terminal.ts'
import { createToken } from './token.ts'
import type { ToolsFlags } from './tools.ts'
import { addUserCommands } from './user-commands.ts'
import { lazy } from './lazy.ts'

const call = lazy(async () => (await import('./call.ts')).call)
const doctor = lazy(async () => (await import('./doctor.ts')).doctor)
const stdio = lazy(async () => (await import('./stdio.ts')).stdio)
const listTokens = lazy(async () => (await import('./token.ts')).listTokens)
const revokeToken = lazy(async () => (await import('./token.ts')).revokeToken)
const rotateToken = lazy(async () => (await import('./token.ts')).rotateToken)
const showToken = lazy(async () => (await import('./token.ts')).showToken)
const tools = lazy(async () => (await import('./tools.ts')).tools)

export interface Cli {
  /** Runs one command line, without the program's name; returns the exit code. Never throws. */
  run(args: readonly string[]): Promise<number>
  /** The commands as defined, for their documentation. */
  readonly program: Command
}

/** The command line of `alicia`, over what the composition gives it. */
export function createCli<Config extends HubConfig>(
  composition: Composition<Config>,
  terminal: Terminal,
  clock: Clock = systemClock,
): Cli {
  const context: Context<Config> = { composition, terminal, clock }
  let exit: Exit = 'ok'
  const ends = (command: Promise<Exit>) => command.then((end) => void (exit = end))
  const program = base(composition.version, terminal)
  addHubCommands(program, context, ends)
  addClientCommands(program, context, ends)
  addUserCommands({ program, context, ends, withHub: (command) => withHub(command, composition.flags) })
  addCallApprovalCommands({ program, context, ends, withHub: (command) => withHub(command, composition.flags) })
  addAuditCommands({ program, context, ends, withHub: (command) => withHub(command, composition.flags) })
  addTokenCommands(program, context, ends)
  addKeyCommands({ program, context, ends, withHub: (command) => withHub(command, composition.flags) })
  addBrokerCommands({ program, context, ends, withHub: (command) => withHub(command, composition.flags) })
  const { flags } = composition
  const withFolder = (command: Command) => withConfig(command, flags.filter(isFolderFlag))
  addBackupCommands({ program, context, ends, withFolder })
  addServerCommands({
    program,
    context,
    ends,
    withFiles: (command) => withConfig(command, flags.filter(isServerFlag)),
    withHub: (command) => withHub(withConfig(command, flags.filter(isMcpFlag)), flags),
  })
  return {
    program,
    async run(args) {
      exit = 'ok'
      try {
        if (args.length === 0) program.outputHelp()
        else await program.parseAsync(args, { from: 'user' })
      } catch (error) {
        if (isShown(error)) exit = error.exitCode === 0 ? 'ok' : 'usage'
        else {
          const failure = error instanceof CommanderError ? usageFault(error, args, program) : error
          exit = await reportFailure(terminal, failure, args.includes('--json'))
        }
      }
      return EXITS[exit].code
    },
  }
}

type Ends = (command: Promise<Exit>) => Promise<void>

function base(version: string, { stdout, stderr }: Terminal): Command {
  return (
    new Command('alicia')
      .description('One dependable MCP endpoint for a person’s home and day.')
      .version(version, '-V, --version', 'print the version')
      .helpOption('-h, --help', 'show what there is')
      .helpCommand('help [command]', 'show what a command takes')
      .exitOverride()
      // Its messages come back as errors, which are reported like any other.
      .configureOutput({
        writeOut: (text) => void stdout.write(text),
        writeErr: (text) => void stderr.write(text),
        outputError: () => {},
      })
      .addHelpText('after', `\n${exitText()}`)
  )
}

const exitText = () =>
  ['Exit codes:', ...Object.values(EXITS).map(({ code, means }) => `  ${String(code).padEnd(4)} ${means}`)].join('\n')

/** Commands that may run a hub: they take every flag of the configuration. */
function addHubCommands<Config extends HubConfig>(program: Command, context: Context<Config>, ends: Ends): void {
  const { flags } = context.composition
  withConfig(program.command('start').description('run the hub'), flags)
    .option('--json', 'log and announce in JSON lines')
    .action((given: Record<string, unknown>) => ends(start(context, given)))
  withConfig(program.command('stdio').description('speak MCP on stdin and stdout, for a client on this machine'), flags)
    .option('--url <url>', 'attach to the hub there instead')
    .option('--profile <name>', 'what this profile of mcp.json has, instead of everything')
    .option('--token <token>', 'access token for --url; other users can see it, ALICIA_TOKEN they cannot')
    .action((given: HubFlags & Record<string, unknown>) => ends(stdio(context, given)))
  withConfig(program.command('doctor').description('check what a hub needs, and say how to mend it'), flags)
    .option('--json', 'the findings as JSON')
    .action((given: Record<string, unknown>) => ends(doctor(context, given)))
}

function addClientCommands<Config extends HubConfig>(program: Command, context: Context<Config>, ends: Ends): void {
  const { flags } = context.composition
  withHub(program.command('call').description('call an operation of the running hub'), flags)
    .argument('<operation>', 'its name: publish_message, mqtt.publish_message')
    .argument('[input...]', 'key=value, key:=json, one JSON object, or - for a JSON object on stdin')
    .option('--timeout <seconds>', 'give up after that long')
    .action((name: string, words: string[], given: CallFlags) => ends(call(context, name, { words, flags: given })))
  withHub(program.command('tools').description('list what can be called'), flags)
    .argument('[filter...]', 'words to look for; a whole name shows its arguments')
    .option('--cost', 'what the lists of tools cost a model, in tokens, for each profile')
    .option('--profile <name>', 'what the list of this profile costs')
    .action((words: string[], given: ToolsFlags) =>
      ends(tools(context, words.length === 0 ? undefined : words.join(' '), given)),
    )
}

function addTokenCommands<Config extends HubConfig>(program: Command, context: Context<Config>, ends: Ends): void {
  const { flags } = context.composition
  const folderFlags = flags.filter(isFolderFlag)
  const token = withConfig(program.command('token').description('print the owner’s access token'), folderFlags)
    .option('--snippet', 'a client configuration with the token filled in')
    .action((given: HubFlags & { snippet?: boolean }) => ends(showToken(context, given)))
  withConfig(
    token.command('rotate').description('replace the owner’s token; the old one is refused at once'),
    folderFlags,
  ).action((_, command: Command) => ends(rotateToken(context, command.optsWithGlobals<HubFlags>())))
  withHub(token.command('create').description('make a token for a person, a device or a program'), flags)
    .argument('<name>', 'what it is for')
    .requiredOption('--scope <scope...>', 'area:verb, area:* or *; @room/kitchen after it: there alone')
    .option('--for <name>', 'whose it is; absent: yours, or nobody’s')
    .option('--expires-in-days <days>', 'absent: it works until it is revoked')
    .action((name: string, _, command: Command) =>
      ends(
        createToken(
          context,
          name,
          command.optsWithGlobals<HubFlags & { scope: string[]; expiresInDays?: string; for?: string }>(),
        ),
      ),
    )
  withHub(token.command('list').description('the tokens there are, besides the owner’s'), flags).action(
    (_, command: Command) => ends(listTokens(context, command.optsWithGlobals<HubFlags>())),
  )
  withHub(token.command('revoke').description('end a token'), flags)
    .argument('<name>', 'as `token list` shows it')
    .action((name: string, _, command: Command) =>
      ends(revokeToken(context, name, command.optsWithGlobals<HubFlags>())),
    )
}

function withConfig(command: Command, flags: readonly ConfigFlag[]): Command {
  for (const { flag, env, summary } of flags) command.addOption(new Option(flag, `${summary} [${env}]`))
  return command
}

const isMcpFlag = ({ flag }: ConfigFlag) => /^--mcp-file\b/.test(flag)
const isServerFlag = (flag: ConfigFlag) => isFolderFlag(flag) || isMcpFlag(flag)

const isFolderFlag = ({ flag }: ConfigFlag) => /^--(data|config)\b/.test(flag)

/** Flags of a command that speaks to a hub. */
function withHub(command: Command, flags: readonly ConfigFlag[]): Command {
  return withConfig(command, flags.filter(isFolderFlag))
    .option('--url <url>', 'the hub at that address, instead of the one of the data folder')
    .option('--token <token>', 'access token; other users can see it, ALICIA_TOKEN they cannot')
    .option('--json', 'the result as JSON')
}

/** Help or the version was printed instead: because it was asked for, or (exit code 1) for want of a command. */
const isShown = (error: unknown): error is CommanderError =>
  error instanceof CommanderError && (error.exitCode === 0 || error.code === 'commander.help')

/** A value is cut out of the message: it may be a secret. */
function usageFault(error: CommanderError, args: readonly string[], program: Command): Fault {
  const [first = '', hint] = error.message.replace(/^error: /, '').split('\n')
  const message = first.replace(/'(--?[^'=]+)=[^']*'/, "'$1'")
  return new Fault('invalid_input', `${message.charAt(0).toUpperCase()}${message.slice(1).replace(/\.$/, '')}.`, {
    hint: isWithoutDashes(error, args)
      ? 'Put -- before the command of the server: alicia add <name> -- npx -y <package>'
      : (hint?.replace(/^\((.*)\)$/, '$1') ??
        `\`${['alicia', ...meant(program, args), '--help'].join(' ')}\` shows what there is.`),
  })
}

/** The words of a command, as far as there is one. */
function meant(command: Command, [word, ...rest]: readonly string[]): readonly string[] {
  const found = command.commands.find((one) => one.name() === word)
  return found && word !== undefined ? [word, ...meant(found, rest)] : []
}

/** `alicia add x npx -y y`: the flag is meant for `npx`. */
const isWithoutDashes = ({ code }: CommanderError, args: readonly string[]): boolean =>
  args[0] === 'add' && !args.includes('--') && code === 'commander.unknownOption'
