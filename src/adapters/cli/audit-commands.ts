import { Option, type Command } from 'commander'
import type { SearchFlags, VerifyFlags } from './audit.ts'
import type { Context, HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { lazy } from './lazy.ts'

const exportAudit = lazy(async () => (await import('./audit.ts')).exportAudit)
const followAudit = lazy(async () => (await import('./audit.ts')).followAudit)
const searchAudit = lazy(async () => (await import('./audit.ts')).searchAudit)
const verifyAudit = lazy(async () => (await import('./audit.ts')).verifyAudit)

export interface AuditCommands<Config extends HubConfig> {
  readonly program: Command
  readonly context: Context<Config>
  ends(command: Promise<Exit>): Promise<void>
  /** Adds the flags that lead to a running hub. */
  withHub(command: Command): Command
}

/** Commands about the record of calls. */
export function addAuditCommands<Config extends HubConfig>({
  program,
  context,
  ends,
  withHub,
}: AuditCommands<Config>): void {
  const audit = withHub(program.command('audit').description('who called what, when and from where: the newest last'))
    .option('--caller <id>', 'id or name of whoever called')
    .option('--person <name>', 'what somebody did, by whatever token or login')
    .option('--operation <name>', 'service.verb_noun, or mqtt.* for all of a service')
    .option('--provider <name>', 'the service or MCP server that was asked')
    .addOption(new Option('--effect <effect>', 'what it does').choices(['read', 'write', 'destructive', 'event']))
    .option('--outcome <code>', 'ok, the code of a fault, or failed')
    .option('--address <address>', 'where it came from')
    .option('--request-id <id>', 'that call, and those made for its sake')
    .option('--from <time>', '2026-01-31, 2026-01-31T18:00, or 30m, 2h, 7d ago')
    .option('--to <time>', 'before that time')
    .option('--text <text>', 'somewhere in names, ids, address or arguments')
    .option('--limit <number>', 'how many (50)')
    .option('-f, --follow', 'go on with what is called from now on, whatever it is')
    .action((flags: SearchFlags) => ends(flags.follow ? followAudit(context, flags) : searchAudit(context, flags)))
  withHub(audit.command('verify').description('check that nothing in it was changed, removed, added or moved'))
    .option('--from <time>', 'only what was called from then on')
    .option('--to <time>', 'only what was called before')
    .option('--file <path>', 'check an export instead, with the keys of the data folder')
    .action((_, command: Command) => ends(verifyAudit(context, command.optsWithGlobals<VerifyFlags>())))
  withHub(
    audit.command('export').description('all of it in JSON lines, as it is signed: to be kept, and verified elsewhere'),
  ).action((_, command: Command) => ends(exportAudit(context, command.optsWithGlobals<HubFlags>())))
}
