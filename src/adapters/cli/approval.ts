import { confirm } from '@clack/prompts'
import { Fault } from '../../kernel/fault.ts'
import { nearest } from '../../kernel/nearest.ts'
import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import { heldToolLines, type HeldTool } from './held-tool.ts'
import type { HubConfig } from './hub.ts'
import { hubClient, type HubClient } from './hub-client.ts'
import { idOf } from './servers.ts'
import { harmless, styleFor } from './style.ts'
import { write, type Terminal } from './terminal.ts'

export interface ApproveFlags extends HubFlags {
  readonly yes?: boolean
}

/** `alicia review [server]`: the tools that are held back, and what is different. */
export async function reviewTools<Config extends HubConfig>(
  context: Context<Config>,
  name: string | undefined,
  flags: HubFlags,
): Promise<Exit> {
  const { terminal } = context
  const client = hubClient(addressOf(context, flags))
  const id = name === undefined ? undefined : idOf(context, name, flags)
  const tools = await cancellable(context, (signal) => heldTools(client, id, signal))
  if (flags.json) {
    await print(terminal, { tools }, true)
    return 'ok'
  }
  if (tools.length === 0) return await nothingWaits(terminal)
  await show(terminal, tools, terminal.stdout)
  const servers = [...new Set(tools.map(({ server }) => server))]
  const commands = servers.map((server) => `\`alicia approve ${harmless(server)}\``)
  await write(terminal.stdout, `\n${commands.join(', ')} lets through what is as it should be.\n`)
  return 'ok'
}

/** `alicia approve <server> [tool…]`: shows what is different, asks, and lets through exactly what was shown. */
export async function approveTools<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  { tools, flags }: { tools: readonly string[]; flags: ApproveFlags },
): Promise<Exit> {
  const { terminal } = context
  const client = hubClient(addressOf(context, flags))
  const id = idOf(context, name, flags)
  return await cancellable(context, async (signal): Promise<Exit> => {
    const chosen = chosenOf(await heldTools(client, id, signal), tools, id)
    if (chosen.length === 0) return await nothingWaits(terminal)
    await show(terminal, chosen, flags.json ? terminal.stderr : terminal.stdout)
    if (!flags.yes) await ask(terminal, chosen.length, signal)
    const input = {
      name: id,
      tools: chosen.map(({ tool }) => tool),
      fingerprints: Object.fromEntries(chosen.map(({ tool, fingerprint }) => [tool, fingerprint])),
    }
    const result = await client.call('gateway.approve_tools', input, { signal })
    if (flags.json) await print(terminal, result, true)
    else await write(terminal.stdout, `Approved: ${chosen.map(({ tool }) => harmless(tool)).join(', ')}.\n`)
    return 'ok'
  })
}

async function heldTools(client: HubClient, name: string | undefined, signal: AbortSignal) {
  const input = name === undefined ? {} : { name }
  const { tools } = (await client.call('gateway.review_tools', input, { signal })) as { tools: readonly HeldTool[] }
  return tools
}

function chosenOf(held: readonly HeldTool[], named: readonly string[], server: string): readonly HeldTool[] {
  if (named.length === 0) return held
  const known = held.map(({ tool }) => tool)
  const stranger = named.find((name) => !known.includes(name))
  if (stranger === undefined) return held.filter(({ tool }) => named.includes(tool))
  const meant = nearest(stranger, known)
  throw new Fault('not_found', `${server} has no tool ${JSON.stringify(stranger)} that is held back.`, {
    hint: meant === undefined ? `\`alicia review ${server}\` shows which are.` : `Did you mean ${meant}?`,
  })
}

/** Throws Fault where nobody says yes. */
async function ask({ stdin, stdout }: Terminal, count: number, signal: AbortSignal): Promise<void> {
  if (!stdin.isTTY || !stdout.isTTY)
    throw new Fault('invalid_input', 'Nobody is there to say yes.', {
      hint: 'What is above was not approved; --yes approves it without a question.',
    })
  const what = count === 1 ? 'this tool' : `these ${count} tools`
  const sure = await confirm({
    input: stdin,
    output: stdout,
    signal,
    message: `Let models use ${what} as shown?`,
    initialValue: false,
  })
  if (sure !== true) throw new Fault('cancelled', 'Nothing was approved.')
}

async function show({ env }: Terminal, tools: readonly HeldTool[], stream: Terminal['stdout'] | Terminal['stderr']) {
  const style = styleFor(stream, env)
  await write(stream, `${tools.map((tool) => heldToolLines(tool, style).join('\n')).join('\n\n')}\n`)
}

async function nothingWaits({ stderr }: Terminal): Promise<Exit> {
  await write(stderr, 'No tool is held back.\n')
  return 'ok'
}
