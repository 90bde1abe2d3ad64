import type { Argument, Command } from 'commander'
import { createCli } from '../../src/adapters/cli/cli.ts'
import { EXITS } from '../../src/adapters/cli/exit-codes.ts'
import { processTerminal } from '../../src/adapters/cli/terminal.ts'
import { FLAGS } from '../../src/config/settings.ts'
import { code, GENERATED, page, table } from './markdown.ts'

/** Every command with its arguments and flags, and the exit codes. */
export function cliPage(version: string): string {
  return page(
    `${GENERATED}\n# Command line`,
    '`call`, `tools` and `token` speak to the hub that runs on the same data folder, or to the one at `--url`. Results go ' +
      'to stdout, everything else to stderr; colours only to a terminal, and not with `NO_COLOR`.',
    ...commandsOf(program(version)).map(section),
    '## Exit codes',
    table(
      ['code', 'means'],
      Object.values(EXITS).map(({ code: number, means }) => [String(number), means]),
    ),
  )
}

/** The commands themselves; nothing is ever run. */
function program(version: string): Command {
  const unused = () => {
    throw new TypeError('Documentation runs no command.')
  }
  const composition = {
    version,
    flags: FLAGS,
    loadConfig: unused,
    startHub: unused,
    findHub: unused,
    readToken: unused,
    rotateToken: unused,
    rotateKey: unused,
    checkDatabase: unused,
    servers: unused,
  }
  return createCli(composition, processTerminal({})).program
}

function commandsOf(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...commandsOf(child)])
}

function section(command: Command): string {
  const rows = [
    ...command.registeredArguments.map((argument) => [code(argumentText(argument)), argument.description]),
    ...command.options.map(({ flags, description }) => [code(flags), description]),
  ]
  const usage = [nameOf(command), ...command.registeredArguments.map(argumentText)].join(' ')
  const text = command.description()
  return page(
    `## ${code(usage)}`,
    `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
    rows.length === 0 ? '' : table(['', 'meaning'], rows),
  ).trimEnd()
}

const nameOf = (command: Command): string =>
  command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name()

function argumentText(argument: Argument): string {
  const name = argument.name() + (argument.variadic ? '…' : '')
  return argument.required ? `<${name}>` : `[${name}]`
}
