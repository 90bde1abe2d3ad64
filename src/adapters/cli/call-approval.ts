import { confirm } from '@clack/prompts'
import { Fault } from '../../kernel/fault.ts'
import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hubClient, type HubClient } from './hub-client.ts'
import { styleFor } from './style.ts'
import { write, type Terminal } from './terminal.ts'
import { allowanceLine, waitingCallLines, type ApprovalList, type WaitingCall } from './waiting-call.ts'

export interface ApprovalsFlags extends HubFlags {
  readonly watch?: boolean
  readonly history?: boolean
}

export interface CallApprovalFlags extends HubFlags {
  readonly yes?: boolean
  /** As typed. */
  readonly minutes?: string
}

/** How long the hub may wait for a change before it answers, seconds. */
const WATCH_S = 50

/** `alicia approvals [--watch]`: calls that wait for somebody's yes. */
export async function listApprovals<Config extends HubConfig>(
  context: Context<Config>,
  flags: ApprovalsFlags,
): Promise<Exit> {
  const { terminal } = context
  const client = hubClient(addressOf(context, flags))
  return await cancellable(context, async (signal): Promise<Exit> => {
    if (flags.history) {
      await print(terminal, await client.call('approvals.list_decisions', {}, { signal }), flags.json ?? false)
      return 'ok'
    }
    let list = await approvals(client, {}, signal)
    await show(terminal, list, flags)
    let seen = new Set(list.waiting.map(({ id }) => id))
    try {
      while (flags.watch) {
        list = await approvals(client, { after: list.version, wait_seconds: WATCH_S }, signal)
        const fresh = list.waiting.filter(({ id }) => !seen.has(id))
        seen = new Set(list.waiting.map(({ id }) => id))
        if (fresh.length > 0) await show(terminal, { ...list, waiting: fresh, allowed: [] }, flags)
      }
    } catch (error) {
      // Ctrl-C is how it ends: nothing went wrong.
      if (signal.aborted) return 'interrupted'
      throw error
    }
    return 'ok'
  })
}

/** `alicia approve-call <id>`: shows the call, asks, and lets exactly that one go on. */
export async function approveCall<Config extends HubConfig>(
  context: Context<Config>,
  id: string,
  flags: CallApprovalFlags,
): Promise<Exit> {
  const { terminal } = context
  const minutes = minutesOf(flags.minutes)
  const client = hubClient(addressOf(context, flags))
  return await cancellable(context, async (signal): Promise<Exit> => {
    const call = find(await approvals(client, {}, signal), id)
    const stream = flags.json ? terminal.stderr : terminal.stdout
    await write(stream, `${waitingCallLines(call, styleFor(stream, terminal.env)).join('\n')}\n`)
    if (!flags.yes) await ask(terminal, minutes, signal)
    const input = { id: call.id, fingerprint: call.fingerprint, for_minutes: minutes }
    const result = await client.call('approvals.approve_call', input, { signal })
    if (flags.json) await print(terminal, result, true)
    else await write(terminal.stdout, `Approved: ${call.id}.\n`)
    return 'ok'
  })
}

/** `alicia deny-call <id> [reason…]`: ends the call; its caller reads the reason. */
export async function denyCall<Config extends HubConfig>(
  context: Context<Config>,
  id: string,
  { reason, flags }: { reason: readonly string[]; flags: HubFlags },
): Promise<Exit> {
  const { terminal } = context
  const client = hubClient(addressOf(context, flags))
  return await cancellable(context, async (signal): Promise<Exit> => {
    const input = { id, ...(reason.length > 0 && { reason: reason.join(' ') }) }
    const result = await client.call('approvals.deny_call', input, { signal })
    if (flags.json) await print(terminal, result, true)
    else await write(terminal.stdout, `Denied: ${id.toUpperCase()}.\n`)
    return 'ok'
  })
}

/** A name that only a call that waits has: no server that people name looks like it. */
export const looksLikeCall = (name: string): boolean => /^[2-9A-HJ-NP-Z]{4}$/.test(name)

async function approvals(client: HubClient, input: object, signal: AbortSignal): Promise<ApprovalList> {
  return (await client.call('approvals.list_approvals', input, { signal })) as ApprovalList
}

function find({ waiting }: ApprovalList, id: string): WaitingCall {
  const call = waiting.find((one) => one.id === id.toUpperCase())
  if (call) return call
  throw new Fault('not_found', `No call ${JSON.stringify(id.slice(0, 20))} waits for approval.`, {
    hint:
      waiting.length === 0
        ? 'None waits: it was decided, withdrawn, or waited too long. `alicia approvals --history` knows.'
        : `These wait: ${waiting.map((one) => one.id).join(', ')}.`,
  })
}

async function show(terminal: Terminal, list: ApprovalList, flags: ApprovalsFlags): Promise<void> {
  const { stdout, stderr, env } = terminal
  if (flags.json) return await write(stdout, `${JSON.stringify(list, null, flags.watch ? 0 : 2)}\n`)
  const style = styleFor(stdout, env)
  for (const call of list.waiting) await write(stdout, `${waitingCallLines(call, style).join('\n')}\n`)
  for (const allowance of list.allowed) await write(stdout, `${style.dim(allowanceLine(allowance))}\n`)
  const [first] = list.waiting
  if (first)
    await write(
      stderr,
      `\`alicia approve-call ${first.id}\` lets it go on, \`alicia deny-call ${first.id}\` ends it.\n`,
    )
  else await write(stderr, 'No call waits for approval.\n')
}

/** Throws Fault where nobody says yes. */
async function ask({ stdin, stdout }: Terminal, minutes: number, signal: AbortSignal): Promise<void> {
  if (!stdin.isTTY || !stdout.isTTY)
    throw new Fault('invalid_input', 'Nobody is there to say yes.', {
      hint: 'What is above was not approved; --yes approves it without a question.',
    })
  const sure = await confirm({
    input: stdin,
    output: stdout,
    signal,
    message: minutes === 0 ? 'Let it be done?' : `Let it be done, and the same again for ${minutes} minutes?`,
    initialValue: false,
  })
  if (sure !== true) throw new Fault('cancelled', 'Nothing was approved. The call still waits.')
}

function minutesOf(text = '0'): number {
  const minutes = Number(text)
  if (text.trim() !== '' && Number.isInteger(minutes) && minutes >= 0 && minutes <= 60) return minutes
  throw new Fault('invalid_input', '--minutes must be a whole number from 0 to 60.')
}
