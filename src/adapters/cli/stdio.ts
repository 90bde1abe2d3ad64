import { Fault } from '../../kernel/fault.ts'
import { aborted, addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { logTo } from './log-lines.ts'
import { bridgeToHub } from './stdio-bridge.ts'

export type StdioFlags = HubFlags & { readonly profile?: string } & Readonly<Record<string, unknown>>

const profileOf = ({ profile }: StdioFlags) => (profile === undefined ? {} : { profile })

/**
 * `alicia stdio`: MCP on stdin and stdout, by the hub that runs on the data folder, else by one in this process.
 * stdout carries the protocol and nothing else. A signal ends it as the end of the input does: with exit 0.
 */
export async function stdio<Config extends HubConfig>(context: Context<Config>, flags: StdioFlags): Promise<Exit> {
  const { stdin, stderr } = context.terminal
  // A person who tries it out would wait for something to happen.
  if (stdin.isTTY)
    stderr.write('This speaks MCP: it is for an assistant to start, see docs/guide/clients.md. Ctrl-C ends it.\n')
  await untilSignal(context, async (signal) => {
    if (flags.url !== undefined || isRunning(context, flags)) return attach(context, flags, signal)
    try {
      return await runHere(context, flags, signal)
    } catch (error) {
      // Another one may have started meanwhile: clients start their servers all at once.
      if (error instanceof Fault && error.code === 'conflict' && isRunning(context, flags))
        return attach(context, flags, signal)
      throw error
    }
  })
  return 'ok'
}

const isRunning = <Config extends HubConfig>({ composition }: Context<Config>, flags: HubFlags) =>
  composition.findHub(composition.loadConfig({ ...flags })) !== undefined

function attach<Config extends HubConfig>(context: Context<Config>, flags: StdioFlags, signal: AbortSignal) {
  const { stdin: input, stdout: output } = context.terminal
  const hub = addressOf(context, flags)
  return bridgeToHub({ hub, ...profileOf(flags), input, output, clock: context.clock, signal })
}

async function runHere<Config extends HubConfig>(
  { composition, terminal }: Context<Config>,
  flags: StdioFlags,
  signal: AbortSignal,
): Promise<void> {
  const config = composition.loadConfig(flags)
  // A client shows stderr to nobody until something is wrong; at level info it would be noise in its log.
  const level = config.log.level === 'info' ? 'warn' : config.log.level
  const hub = await composition.startHub(config, { log: logTo(terminal, { level, json: flags['json'] === true }) })
  try {
    await Promise.race([
      hub.serveStdio({ input: terminal.stdin, output: terminal.stdout, ...profileOf(flags) }),
      aborted(signal),
    ])
  } finally {
    terminal.stdin.destroy()
    await hub.stop()
  }
}

/** MCP, stdio: a client ends its server by closing the input, then by SIGTERM; both are a normal end. */
async function untilSignal(context: Pick<Context, 'terminal'>, run: (signal: AbortSignal) => Promise<void>) {
  try {
    await cancellable(context, run)
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'cancelled')) throw error
  }
}
