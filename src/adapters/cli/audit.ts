import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Fault } from '../../kernel/fault.ts'
import type { TrailReport } from '../../kernel/trail.ts'
import { entryLine, reportLines, type Report, type ShownEntry } from './audit-lines.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import { HubUnreachable, type Exit } from './exit-codes.ts'
import type { HubConfig, OfflineAudit } from './hub.ts'
import { hubClient, type HubClient } from './hub-client.ts'
import { progressLine } from './progress-line.ts'
import { styleFor } from './style.ts'
import { timeOf } from './time.ts'
import { write } from './terminal.ts'

export interface SearchFlags extends HubFlags {
  readonly caller?: string
  readonly person?: string
  readonly operation?: string
  readonly provider?: string
  readonly effect?: string
  readonly outcome?: string
  readonly address?: string
  readonly requestId?: string
  readonly from?: string
  readonly to?: string
  readonly text?: string
  /** As typed. */
  readonly limit?: string
  readonly follow?: boolean
}

const MOST_AT_ONCE = 500

/** `alicia audit`: what matches, the newest last, where the eye is. */
export async function searchAudit<Config extends HubConfig>(
  context: Context<Config>,
  flags: SearchFlags,
): Promise<Exit> {
  const limit = limitOf(flags.limit)
  const filter = filterOf(context, flags)
  const client = hubClient(addressOf(context, flags))
  const entries = await cancellable(context, async (signal) => {
    const found: ShownEntry[] = []
    for (let cursor: string | undefined; ;) {
      const input = {
        ...filter,
        limit: Math.min(limit - found.length, MOST_AT_ONCE),
        ...(cursor !== undefined && { cursor }),
      }
      const page = (await client.call('audit.search_audit', input, { signal })) as Page
      found.push(...page.entries)
      cursor = page.cursor
      if (cursor === undefined || found.length >= limit) return found
    }
  })
  for (const entry of entries.reverse()) await show(context, entry, flags)
  return 'ok'
}

interface Page {
  readonly entries: readonly ShownEntry[]
  readonly cursor?: string
}

/** One of these calls lasts so long; then comes the next. */
const FOLLOW_SECONDS = 3600

/** `alicia audit --follow`: what is called, as it is called. */
export async function followAudit<Config extends HubConfig>(
  context: Context<Config>,
  flags: SearchFlags,
): Promise<Exit> {
  const client = hubClient(addressOf(context, flags))
  return await cancellable(context, async (signal): Promise<Exit> => {
    let writing = Promise.resolve()
    try {
      for (;;)
        await client.call(
          'audit.follow_audit',
          { seconds: FOLLOW_SECONDS },
          {
            signal,
            progress({ data }) {
              const { entries } = data as Page
              for (const entry of entries) writing = writing.then(() => show(context, entry, flags))
            },
          },
        )
    } catch (error) {
      // Ctrl-C is how it ends: nothing went wrong.
      if (signal.aborted) return 'interrupted'
      throw error
    } finally {
      await writing
    }
  })
}

/** `alicia audit export`: a line each. */
export async function exportAudit<Config extends HubConfig>(context: Context<Config>, flags: HubFlags): Promise<Exit> {
  const client = hubClient(addressOf(context, flags))
  await cancellable(context, async (signal) => {
    for (let place: string | undefined; ;) {
      const input = { limit: 1000, ...(place !== undefined && { place }) }
      const { lines, next } = (await client.call('audit.export_audit', input, { signal })) as {
        lines: readonly object[]
        next?: string
      }
      await write(context.terminal.stdout, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
      if (next === undefined) return
      place = next
    }
  })
  return 'ok'
}

export interface VerifyFlags extends HubFlags {
  readonly from?: string
  readonly to?: string
  readonly file?: string
}

/** `alicia audit verify`: by the hub that runs, else here; ends with `failed` where something is wrong. */
export async function verifyAudit<Config extends HubConfig>(
  context: Context<Config>,
  flags: VerifyFlags,
): Promise<Exit> {
  const report = await cancellable(context, (signal) => verified(context, flags, signal))
  const { stdout, env } = context.terminal
  const shown = flags.json ? JSON.stringify(report, null, 2) : reportLines(report, styleFor(stdout, env)).join('\n')
  await write(stdout, `${shown}\n`)
  return report.is_sound ? 'ok' : 'failed'
}

async function verified<Config extends HubConfig>(
  context: Context<Config>,
  flags: VerifyFlags,
  signal: AbortSignal,
): Promise<Report> {
  const { composition } = context
  if (flags.file !== undefined) {
    const lines = createInterface({ input: createReadStream(flags.file), crlfDelay: Infinity })
    const failed = new Promise<never>((_, reject) => lines.once('error', reject))
    const verifying = offline(context).verifyLines(composition.loadConfig({ ...flags }), lines)
    return shownReport(await Promise.race([verifying, failed]).catch(unreadable(flags.file)))
  }
  const range = rangeOf(context, flags)
  const client = runningHub(context, flags)
  if (client) return await verifiedByHub(context, client, range, signal)
  return shownReport(await offline(context).verify(composition.loadConfig({ ...flags }), range, signal))
}

function offline<Config extends HubConfig>({ composition }: Context<Config>): OfflineAudit<Config> {
  if (composition.audit) return composition.audit
  throw new HubUnreachable('No hub is running.', 'Start it with `alicia start`.')
}

/** The one that `--url` names or that runs on the data folder. */
function runningHub<Config extends HubConfig>(context: Context<Config>, flags: HubFlags): HubClient | undefined {
  try {
    return hubClient(addressOf(context, flags))
  } catch (error) {
    if (error instanceof HubUnreachable) return undefined
    throw error
  }
}

async function verifiedByHub(
  { terminal, clock }: Context,
  client: HubClient,
  { from, to }: Range,
  signal: AbortSignal,
): Promise<Report> {
  const line = progressLine(terminal, clock, 'audit')
  try {
    const input = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
    return (await client.call('audit.verify_audit', input, { signal, progress: (done) => line.update(done) })) as Report
  } finally {
    line.stop()
  }
}

/** As the operation describes it. */
const shownReport = ({ isSound, chains, beforeChain, strays }: TrailReport): Report => ({
  is_sound: isSound,
  before_chain: beforeChain,
  strays,
  chains: chains.map((chain) => ({
    chain: chain.chain,
    is_own: chain.isOwn,
    is_foreign: chain.isForeign,
    entries: chain.entries,
    pruned_seq: chain.prunedSeq,
    unnoted: chain.unnoted,
    problem_count: chain.problemCount,
    problems: chain.problems.map(({ is, seq, toSeq }) => ({ is, seq, ...(toSeq !== undefined && { to_seq: toSeq }) })),
    ...(chain.firstSeq !== undefined && { first_seq: chain.firstSeq }),
    ...(chain.lastSeq !== undefined && { last_seq: chain.lastSeq }),
    ...(chain.lastMac !== undefined && { last_mac: chain.lastMac }),
  })),
})

const unreadable =
  (file: string) =>
  (error: unknown): never => {
    const code = (error as NodeJS.ErrnoException).code
    if (error instanceof Fault || code === undefined) throw error
    throw new Fault('invalid_input', `${file} cannot be read (${code}).`, { cause: error })
  }

async function show({ terminal }: Context, entry: ShownEntry, { json }: HubFlags): Promise<void> {
  const { stdout, env } = terminal
  await write(stdout, `${json ? JSON.stringify(entry) : entryLine(entry, styleFor(stdout, env))}\n`)
}

interface Range {
  readonly from?: string
  readonly to?: string
}

const rangeOf = ({ clock }: Pick<Context, 'clock'>, { from, to }: Range): Range => ({
  ...(from !== undefined && { from: timeOf('--from', from, clock.now()) }),
  ...(to !== undefined && { to: timeOf('--to', to, clock.now()) }),
})

function filterOf(context: Pick<Context, 'clock'>, flags: SearchFlags): object {
  const { caller, person, operation, provider, effect, outcome, address, requestId, text } = flags
  const given = { caller, person, operation, provider, effect, outcome, address, request_id: requestId, text }
  return { ...given, ...rangeOf(context, flags) }
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return 50
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new Fault('invalid_input', '--limit must be a whole number from 1 to 999999.')
}
