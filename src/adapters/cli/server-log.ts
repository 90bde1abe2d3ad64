import { sleep } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hubClient } from './hub-client.ts'
import { idOf } from './servers.ts'
import { harmless } from './style.ts'
import { write } from './terminal.ts'

export interface LogFlags extends HubFlags {
  readonly follow?: boolean
  /** As typed. */
  readonly lines?: string
}

interface Line {
  readonly at: string
  readonly text: string
}

/** Between two looks with `-f`, milliseconds. */
const LOOK_MS = 1000
/** As many as a hub keeps of one server. */
const MOST_LINES = 500

/** `alicia logs <name> [-f]`: what the server wrote on its standard error, and what befell it. */
export async function showServerLog<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: LogFlags,
): Promise<Exit> {
  const lines = linesOf(flags.lines)
  const client = hubClient(addressOf(context, flags))
  const id = idOf(context, name, flags)
  const { stdout } = context.terminal
  return await cancellable(context, async (signal): Promise<Exit> => {
    const read = async (count: number) =>
      linesIn(await client.call('gateway.read_server_log', { name: id, lines: count }, { signal }))
    let seen = await read(lines)
    for (const line of seen) await show(line)
    try {
      while (flags.follow) {
        await sleep(context.clock, LOOK_MS, signal)
        const now = await read(MOST_LINES)
        for (const line of newer(seen, now)) await show(line)
        if (now.length > 0) seen = now
      }
    } catch (error) {
      // Ctrl-C is how it ends: nothing went wrong.
      if (signal.aborted) return 'interrupted'
      throw error
    }
    return 'ok'
    function show(line: Line): Promise<void> {
      return write(stdout, flags.json ? `${JSON.stringify(line)}\n` : `${line.at} ${harmless(line.text)}\n`)
    }
  })
}

/** What came after the last line that was seen; everything where that one is gone. */
export function newer(seen: readonly Line[], now: readonly Line[]): readonly Line[] {
  const last = seen.at(-1)
  if (!last) return now
  return now.slice(now.findLastIndex(({ at, text }) => at === last.at && text === last.text) + 1)
}

function linesIn(result: unknown): readonly Line[] {
  const { lines } = (result ?? {}) as { lines?: readonly Line[] }
  return Array.isArray(lines) ? lines : []
}

function linesOf(given: string | undefined): number {
  if (given === undefined) return 50
  if (/^[1-9]\d{0,2}$/.test(given) && Number(given) <= MOST_LINES) return Number(given)
  throw new Fault('invalid_input', `--lines must be a whole number from 1 to ${MOST_LINES}.`)
}
