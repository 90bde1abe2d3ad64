import { styleFor } from './style.ts'
import { banner } from './banner.ts'
import { dataFlags, type Context } from './context.ts'
import { EXITS, type Exit } from './exit-codes.ts'
import type { HubConfig, RunningHub } from './hub.ts'
import { holdLines, logTo } from './log-lines.ts'
import { write, type Terminal } from './terminal.ts'

/**
 * One Ctrl-C can arrive twice: from the terminal and again from `npm`, which passes it on. A signal this soon after
 * the first is the same one.
 */
const SAME_SIGNAL_MS = 500

/** `alicia start`: runs the hub until a signal. Throws what kept it from starting. */
export async function start<Config extends HubConfig>(
  context: Context<Config>,
  flags: Readonly<Record<string, unknown>>,
): Promise<Exit> {
  const { composition, terminal, clock } = context
  const startMs = clock.monotonic()
  const json = flags['json'] === true
  const config = composition.loadConfig(flags)
  // From here on, so that a signal during the start stops the hub as soon as it is up.
  const stopping = firstSignal(context, json)
  try {
    // What depends on the part that failed complains too: a person gets the one message that counts.
    const lines = holdLines((text) => void terminal.stderr.write(text))
    if (json || config.log.level === 'debug') lines.release()
    const log = logTo(terminal, { level: config.log.level, json, write: lines.write })
    const hub = await composition.startHub(config, { log })
    lines.release()
    const startedMs = clock.monotonic() - startMs
    const shown = json ? readyLine(context, hub) : shownBanner({ context, flags, config, hub, startedMs })
    await write(terminal.stdout, shown).catch((error: unknown) => log.warn('the start cannot be announced', { error }))
    await stopping.signal
    await hub.stop()
    // It has stopped well, whether or not that can be said.
    if (!json) await write(terminal.stderr, 'Stopped.\n').catch(() => {})
    return 'ok'
  } finally {
    stopping.off()
  }
}

interface Shown<Config extends HubConfig> {
  readonly context: Context<Config>
  readonly flags: Readonly<Record<string, unknown>>
  readonly config: Config
  readonly hub: RunningHub
  readonly startedMs: number
}

function shownBanner<Config extends HubConfig>({ context, flags, config, hub, startedMs }: Shown<Config>): string {
  const { composition, terminal } = context
  return banner({
    version: composition.version,
    startedMs,
    hub,
    demo: config.demo,
    remoteBroker: config.broker.kind === 'remote',
    command: terminal.command,
    dataFlags: dataFlags(context.terminal.env, flags, config),
    style: styleFor(terminal.stdout, terminal.env),
  })
}

/** For scripts that wait for the start: one line, and on stdout nothing else. */
function readyLine({ composition }: Pick<Context, 'composition'>, hub: RunningHub): string {
  return `${JSON.stringify({ event: 'ready', version: composition.version, urls: hub.urls, token_file: hub.tokenFile })}\n`
}

/** Resolves at the first signal; a second one ends the process. */
function firstSignal({ terminal, clock }: Pick<Context, 'terminal' | 'clock'>, json: boolean) {
  let resolve = () => {}
  const signal = new Promise<void>((done) => (resolve = done))
  let firstMs: number | undefined
  const off = terminal.onSignal((name) => {
    if (firstMs === undefined) {
      firstMs = clock.monotonic()
      if (!json) sayStopping(terminal)
      resolve()
    } else if (clock.monotonic() - firstMs >= SAME_SIGNAL_MS) {
      terminal.exit(name === 'SIGINT' ? EXITS.interrupted.code : EXITS.terminated.code)
    }
  })
  return { signal, off }
}

function sayStopping({ stderr }: Terminal): void {
  stderr.write('\nStopping… (once more to stop at once)\n')
}
