import type { Command } from 'commander'
import type { ApprovalsFlags, CallApprovalFlags } from './call-approval.ts'
import type { Context, HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { lazy } from './lazy.ts'

const approveCall = lazy(async () => (await import('./call-approval.ts')).approveCall)
const denyCall = lazy(async () => (await import('./call-approval.ts')).denyCall)
const listApprovals = lazy(async () => (await import('./call-approval.ts')).listApprovals)

interface Parts<Config extends HubConfig> {
  readonly program: Command
  readonly context: Context<Config>
  ends(command: Promise<Exit>): Promise<void>
  /** Adds the flags that lead to a running hub. */
  withHub(command: Command): Command
}

/** Commands about calls that wait for somebody's yes. */
export function addCallApprovalCommands<Config extends HubConfig>({
  program,
  context,
  ends,
  withHub,
}: Parts<Config>): void {
  withHub(program.command('approvals').description('calls that wait until somebody allows them'))
    .option('-w, --watch', 'go on, and show each that comes, until Ctrl-C')
    .option('--history', 'what was decided, by whom and when')
    .action((flags: ApprovalsFlags) => ends(listApprovals(context, flags)))
  withHub(program.command('approve-call').description('let a call go on that waits: shows it and asks'))
    .argument('<id>', 'as `approvals` shows it')
    .option('-m, --minutes <count>', 'also allow the same caller the same for so long (up to 60)')
    .option('-y, --yes', 'do not ask')
    .action((id: string, flags: CallApprovalFlags) => ends(approveCall(context, id, flags)))
  withHub(program.command('deny-call').description('refuse a call that waits, or end what an earlier yes allows'))
    .argument('<id>', 'as `approvals` shows it')
    .argument('[reason...]', 'told to whoever asked')
    .action((id: string, reason: string[], flags: HubFlags) => ends(denyCall(context, id, { reason, flags })))
}
