import { text } from 'node:stream/consumers'
import { Fault } from '../../kernel/fault.ts'
import { nearest } from '../../kernel/nearest.ts'
import { inputOf, objectOf } from './arguments.ts'
import { aborted, addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hubClient, type HubClient, type Listed } from './hub-client.ts'
import { progressLine } from './progress-line.ts'
import { render } from './render.ts'
import { styleFor } from './style.ts'
import { widthFor, write, type Terminal } from './terminal.ts'

export interface CallFlags extends HubFlags {
  /** Seconds, as typed. */
  readonly timeout?: string
}

/** `alicia call <operation> [json | key=value…]`: the result on stdout, everything else on stderr. */
export async function call<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  { words, flags }: { words: readonly string[]; flags: CallFlags },
): Promise<Exit> {
  const timeoutMs = timeoutOf(flags.timeout)
  const address = addressOf(context, flags)
  const client = hubClient(address)
  const result = await cancellable(context, async (signal) => {
    const target = await find(client, name, signal).catch((error: unknown) => {
      throw address.token === undefined && isUnknown(error) ? withoutToken(name) : error
    })
    const input = await inputFrom(context.terminal, { words, target, signal })
    return invoke(context, { client, target, input, signal, ...(timeoutMs !== undefined && { timeoutMs }) })
  })
  await print(context.terminal, result, flags.json ?? false)
  return 'ok'
}

const isUnknown = (error: unknown) => error instanceof Fault && error.code === 'unknown_operation'

const withoutToken = (name: string) =>
  new Fault('unauthenticated', `Without an access token there is no ${JSON.stringify(name)} to call.`, {
    hint: 'Give one by --token or ALICIA_TOKEN.',
  })

const FULL_NAME = /^[a-z][\w-]*\.[\w-]+$/i

/** By the name people know or the full one; throws Fault `unknown_operation` with the nearest. */
async function find(client: HubClient, name: string, signal: AbortSignal): Promise<Listed> {
  const operations = await client.list(signal)
  const found = operations.find((entry) => entry.name === name || entry.operation === name)
  if (found) return found
  // The list has what this token may call. Whether there is more only the hub knows, and says why it refuses.
  const fullName = FULL_NAME.test(name) ? name : await heldName(client, name, signal)
  if (fullName !== undefined)
    return { name, operation: fullName, summary: '', scope: null, effect: 'write', inputSchema: {} }
  const meant = nearest(
    name,
    operations.flatMap((entry) => [entry.name, entry.operation]),
  )
  throw new Fault('unknown_operation', `There is no operation called ${JSON.stringify(name)} that you may call.`, {
    hint: [
      meant === undefined ? '`alicia tools` lists what there is.' : `Did you mean ${meant}?`,
      ...(await unheardServers(client, signal)),
    ].join(' '),
  })
}

/** The full name of a tool that stands in no list because it is held back. Undefined: there is none, or it is not for this caller. */
async function heldName(client: HubClient, name: string, signal: AbortSignal): Promise<string | undefined> {
  const result = await client.call('gateway.review_tools', {}, { signal }).catch(() => undefined)
  const { tools = [] } = (result ?? {}) as { tools?: readonly { server: string; tool: string }[] }
  const held = tools.find(({ server, tool }) => tool === name || `${server}_${tool}` === name)
  return held && `${held.server}.${held.tool}`
}

/** Nobody can say which tools a server has that has not been up yet. */
async function unheardServers(client: HubClient, signal: AbortSignal): Promise<readonly string[]> {
  // Who may not look at servers gets no hint.
  const result = await client.call('gateway.list_servers', {}, { signal }).catch(() => undefined)
  const { servers = [] } = (result ?? {}) as { servers?: readonly { name: string; state: string; tools: number }[] }
  const unheard = servers.filter(({ tools, state }) => tools === 0 && state !== 'ready')
  if (unheard.length === 0) return []
  const named = unheard.map(({ name, state }) => `${name} (${state.replaceAll('_', ' ')})`)
  return [`Of servers that have not been up yet the tools are not known: ${named.join(', ')}.`]
}

interface Given {
  readonly words: readonly string[]
  readonly target: Listed
  readonly signal: AbortSignal
}

/** `-` stands for a JSON object on stdin. */
async function inputFrom({ stdin }: Terminal, { words, target, signal }: Given): Promise<object> {
  const input = inputOf(
    words.filter((word) => word !== '-'),
    target,
  )
  if (!words.includes('-')) return input
  try {
    return { ...objectOf(await Promise.race([text(stdin), aborted(signal)]), target.name), ...input }
  } finally {
    // Somebody who interrupts instead of typing must not be waited for.
    stdin.destroy()
  }
}

interface Invocation {
  readonly client: HubClient
  readonly target: Listed
  readonly input: unknown
  readonly signal: AbortSignal
  readonly timeoutMs?: number
}

async function invoke(
  { terminal, clock }: Context,
  { client, target, input, signal, timeoutMs }: Invocation,
): Promise<unknown> {
  const line = progressLine(terminal, clock, target.name)
  const patience = new AbortController()
  const stopWaiting =
    timeoutMs === undefined
      ? () => {}
      : clock.after(timeoutMs + ANSWER_MS, () => patience.abort(gaveUp(target.operation, timeoutMs)))
  try {
    return await client.call(target.operation, input, {
      signal: AbortSignal.any([signal, patience.signal]),
      ...(timeoutMs !== undefined && { timeoutMs }),
      progress: (progress) => line.update(progress),
      log: ({ level, message }) => {
        if (level === 'warn' || level === 'error') line.say(`${level}: ${message}`)
      },
    })
  } finally {
    stopWaiting()
    line.stop()
  }
}

/**
 * The hub's own answer to a deadline is the better one, and has so long to arrive. There is none while a call waits for somebody's
 * yes: its time begins after that.
 */
const ANSWER_MS = 500

const gaveUp = (operation: string, timeoutMs: number) =>
  new Fault('timeout', `${operation} was not done within ${timeoutMs / 1000} s; it was withdrawn.`, {
    hint: 'Give it more time with --timeout.',
  })

/** For people in columns; with `json` exactly what the hub said. */
export async function print({ stdout, env }: Terminal, result: unknown, json: boolean): Promise<void> {
  const width = widthFor(stdout)
  const shown = json ? JSON.stringify(result, null, 2) : render(result, { style: styleFor(stdout, env), width })
  await write(stdout, `${shown}\n`)
}

function timeoutOf(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined
  const value = Number(seconds)
  if (seconds.trim() !== '' && value > 0 && value <= 86_400) return Math.ceil(value * 1000)
  throw new Fault('invalid_input', '--timeout must be a number of seconds, more than 0 and at most 86400.')
}
