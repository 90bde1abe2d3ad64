import type { Clock } from '../../kernel/clock.ts'
import { Fault, faultBody } from '../../kernel/fault.ts'
import { EXITS, exitOf, HubUnreachable, type Exit } from './exit-codes.ts'
import type { Composition, HubConfig } from './hub.ts'
import type { HubAddress } from './hub-client.ts'
import { harmless, styleFor } from './style.ts'
import { write, type Terminal } from './terminal.ts'

/** What every command gets. */
export interface Context<Config extends HubConfig = HubConfig> {
  readonly composition: Composition<Config>
  readonly terminal: Terminal
  readonly clock: Clock
}

/** Which hub a command speaks to. */
export interface HubFlags {
  readonly url?: string
  readonly token?: string
  readonly json?: boolean
}

/**
 * The hub of `--url`, else the one that runs on the data folder. The folder's own token is never sent to another
 * hub. Throws `HubUnreachable` when none runs.
 */
export function addressOf<Config extends HubConfig>(
  { composition, terminal }: Context<Config>,
  flags: HubFlags,
): HubAddress {
  if (flags.url !== undefined) {
    const protocol = URL.parse(flags.url)?.protocol
    if (protocol !== 'http:' && protocol !== 'https:')
      throw new Fault('invalid_input', '--url must be an address that begins with http:// or https://.')
    return { url: flags.url, token: flags.token ?? terminal.env['ALICIA_TOKEN'] }
  }
  const config = composition.loadConfig({ ...flags })
  const hub = composition.findHub(config)
  if (!hub)
    throw new HubUnreachable(
      `No hub is running on the data folder ${config.data}.`,
      'Start it with `alicia start`, or name another with --url and --token.',
    )
  return { url: hub.url, token: flags.token ?? composition.readToken(config) }
}

/** What leads another process, without this one's environment, to the same folder. */
export function dataFlags(env: Terminal['env'], flags: Readonly<Record<string, unknown>>, config: HubConfig): string[] {
  const file = flags['config'] ?? env['ALICIA_CONFIG']
  return [
    ...((flags['data'] ?? env['ALICIA_DATA']) ? ['--data', config.data] : []),
    ...(file && config.file !== undefined ? ['--config', config.file] : []),
  ]
}

/** Runs what Ctrl-C cancels: the first signal aborts with fault `cancelled`, the second ends the process. */
export async function cancellable<T>(
  { terminal }: Pick<Context, 'terminal'>,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const off = terminal.onSignal(() => {
    if (controller.signal.aborted) terminal.exit(EXITS.interrupted.code)
    else controller.abort(new Fault('cancelled', 'Interrupted; the call was cancelled.'))
  })
  try {
    return await run(controller.signal)
  } finally {
    off()
  }
}

/** Rejects with the signal's reason when it aborts. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

/** Says on stderr what went wrong, and returns the exit that goes with it. Never a stack trace. */
export async function reportFailure(terminal: Terminal, error: unknown, json: boolean): Promise<Exit> {
  const fault = error instanceof Fault ? error : defect(error)
  const { red, dim } = styleFor(terminal.stderr, terminal.env)
  const text = json
    ? JSON.stringify({ error: faultBody(fault) })
    : [
        `${red('alicia:')} ${harmless(fault.message)}`,
        ...(fault.hint === undefined ? [] : [dim(`  ${harmless(fault.hint)}`)]),
      ].join('\n')
  // Where stderr takes nothing either, the exit code is all there is.
  await write(terminal.stderr, `${text}\n`).catch(() => {})
  return exitOf(error)
}

function defect(error: unknown): Fault {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return new Fault('internal', `Something went wrong inside Alicia: ${message}`, {
    hint: 'This is a defect: please report it with what you ran.',
  })
}
