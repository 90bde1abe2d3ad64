import { Option, type Command } from 'commander'
import type { ApproveFlags } from './approval.ts'
import { looksLikeCall } from './call-approval.ts'
import type { Context, HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import type { ImportFlags } from './import.ts'
import type { LoginFlags } from './login.ts'
import type { EntryFlags } from './server-entry.ts'
import type { LogFlags } from './server-log.ts'
import { lazy } from './lazy.ts'

const approveTools = lazy(async () => (await import('./approval.ts')).approveTools)
const reviewTools = lazy(async () => (await import('./approval.ts')).reviewTools)
const approveCall = lazy(async () => (await import('./call-approval.ts')).approveCall)
const importServers = lazy(async () => (await import('./import.ts')).importServers)
const logIn = lazy(async () => (await import('./login.ts')).logIn)
const logOut = lazy(async () => (await import('./login.ts')).logOut)
const reloadServers = lazy(async () => (await import('./reload.ts')).reloadServers)
const addServer = lazy(async () => (await import('./server-add.ts')).addServer)
const addServerJson = lazy(async () => (await import('./server-add.ts')).addServerJson)
const removeServer = lazy(async () => (await import('./server-add.ts')).removeServer)
const listSecrets = lazy(async () => (await import('./secret.ts')).listSecrets)
const removeSecret = lazy(async () => (await import('./secret.ts')).removeSecret)
const setSecret = lazy(async () => (await import('./secret.ts')).setSecret)
const listServers = lazy(async () => (await import('./server-list.ts')).listServers)
const showServerLog = lazy(async () => (await import('./server-log.ts')).showServerLog)
const inspectServer = lazy(async () => (await import('./servers.ts')).inspectServer)
const restartServer = lazy(async () => (await import('./servers.ts')).restartServer)

export interface Parts<Config extends HubConfig> {
  readonly program: Command
  readonly context: Context<Config>
  ends(command: Promise<Exit>): Promise<void>
  /** Adds the flags that lead to the files with servers. */
  withFiles(command: Command): Command
  /** Adds those, and the flags that lead to a running hub. */
  withHub(command: Command): Command
}

const collect = (value: string, before: readonly string[]) => [...before, value]

/** Commands about other people's MCP servers; the verbs are those of other clients. */
export function addServerCommands<Config extends HubConfig>(parts: Parts<Config>): void {
  addChangingCommands(parts)
  addLookingCommands(parts)
  addApprovalCommands(parts)
  addSecretCommands(parts)
}

function addChangingCommands<Config extends HubConfig>({ program, context, ends, withFiles }: Parts<Config>): void {
  withFiles(program.command('add').description('add an MCP server: alicia add <name> -- npx -y <package>'))
    .argument('<name>', 'what to call it')
    .argument('[command...]', 'the command that starts it, after --')
    .option('--url <url>', 'the address of one that runs elsewhere')
    .option('-t, --transport <transport>', 'http, sse, ws or stdio; absent: found out')
    .option('-e, --env <NAME=value>', 'a variable for the command; can be repeated', collect, [])
    .option('-H, --header <header>', 'a header of every request, "Name: value"; can be repeated', collect, [])
    .option('--cwd <folder>', 'the folder the command runs in')
    .option('--profile <name>', 'a profile that has it; can be repeated', collect, [])
    .option('--on-demand', 'start it with the first call, not with the hub')
    .option('--force', 'replace one of that name')
    .option('--json', 'the result as JSON')
    // Other clients keep servers in several scopes: their commands are to work here as they are.
    .addOption(new Option('-s, --scope <scope>').hideHelp())
    .action((name: string, words: string[], flags: EntryFlags) => ends(addServer(context, name, { words, flags })))
  withFiles(program.command('add-json').description('add an MCP server as clients write it in JSON'))
    .argument('<name>', 'what to call it')
    .argument('<json>', '{"command": …, "args": […]} or {"url": …}')
    .option('--force', 'replace one of that name')
    .option('--json', 'the result as JSON')
    .action((name: string, text: string, flags: { force?: boolean; json?: boolean }) =>
      ends(addServerJson(context, name, { text, flags })),
    )
  withFiles(program.command('remove').description('take an MCP server out'))
    .argument('<name>', 'as `list` shows it')
    .option('--json', 'the result as JSON')
    .action((name: string, flags: { json?: boolean }) => ends(removeServer(context, name, flags)))
  withFiles(program.command('import').description('take over the MCP servers of the clients on this machine'))
    .option('--from <client>', 'claude-desktop, claude-code, cursor, vscode, codex, gemini, cline, windsurf or roo')
    .option('--all', 'take every server, without asking')
    .option('--only <name>', 'take that server; can be repeated', collect, [])
    .option('--dry-run', 'show what there is, and change nothing')
    .option('--rewrite', 'replace them in the client’s own file by Alicia’s one endpoint')
    .option('-y, --yes', 'do not ask before files are changed')
    .option('--restore', 'put back what the last import changed')
    .option('--json', 'the result as JSON')
    .action((flags: ImportFlags) => ends(importServers(context, flags)))
}

function addLookingCommands<Config extends HubConfig>({ program, context, ends, withHub }: Parts<Config>): void {
  withHub(program.command('list').description('the MCP servers, and how they are')).action((flags: HubFlags) =>
    ends(listServers(context, flags)),
  )
  withHub(program.command('inspect').description('one MCP server: how it is defined, and how it is'))
    .argument('<name>', 'as `list` shows it')
    .action((name: string, flags: HubFlags) => ends(inspectServer(context, name, flags)))
  withHub(program.command('logs').description('what an MCP server wrote on its standard error'))
    .argument('<name>', 'as `list` shows it')
    .option('-f, --follow', 'go on until Ctrl-C')
    .option('-n, --lines <count>', 'at most so many, the latest (50)')
    .action((name: string, flags: LogFlags) => ends(showServerLog(context, name, flags)))
  withHub(program.command('restart').description('stop an MCP server and start it anew'))
    .argument('<name>', 'as `list` shows it')
    .action((name: string, flags: HubFlags) => ends(restartServer(context, name, flags)))
  withHub(program.command('reload').description('have the hub read mcp.json now, should it not have noticed')).action(
    (flags: HubFlags) => ends(reloadServers(context, flags)),
  )
  withHub(program.command('login').description('log in at a protected MCP server, in a browser'))
    .argument('<name>', 'as `list` shows it')
    .option('--no-browser', 'say the address only')
    .action((name: string, flags: LoginFlags) => ends(logIn(context, name, flags)))
  withHub(program.command('logout').description('forget the login at an MCP server, and revoke it'))
    .argument('<name>', 'as `list` shows it')
    .action((name: string, flags: HubFlags) => ends(logOut(context, name, flags)))
}

function addApprovalCommands<Config extends HubConfig>({ program, context, ends, withHub }: Parts<Config>): void {
  withHub(program.command('review').description('tools that are held back because they changed, and what changed'))
    .argument('[name]', 'of this server only')
    .action((name: string | undefined, flags: HubFlags) => ends(reviewTools(context, name, flags)))
  withHub(program.command('approve').description('let tools through that are held back: shows them and asks'))
    .argument('<name>', 'the server, as `list` shows it; or a call that waits, as `approvals` shows it')
    .argument('[tool...]', 'these only; absent: all of it that are held back')
    .option('-y, --yes', 'do not ask')
    .action((name: string, tools: string[], flags: ApproveFlags) =>
      ends(
        looksLikeCall(name) && tools.length === 0
          ? approveCall(context, name, flags)
          : approveTools(context, name, { tools, flags }),
      ),
    )
}

function addSecretCommands<Config extends HubConfig>({ program, context, ends, withFiles }: Parts<Config>): void {
  const secret = program.command('secret').description('secrets that mcp.json refers to as ${secret:<name>}')
  withFiles(secret.command('set').description('keep a secret, encrypted; its value is asked for, or read from stdin'))
    .argument('<name>', 'what it is called')
    .action((name: string, flags: object) => ends(setSecret(context, name, flags)))
  withFiles(secret.command('list').description('the names there are'))
    .option('--json', 'the result as JSON')
    .action((flags: { json?: boolean }) => ends(listSecrets(context, flags)))
  withFiles(secret.command('remove').description('forget a secret'))
    .argument('<name>', 'as `secret list` shows it')
    .action((name: string, flags: object) => ends(removeSecret(context, name, flags)))
}
