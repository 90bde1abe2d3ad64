import { harmless, type Style } from './style.ts'

/** What `audit.search_audit` says of an entry, as far as a line shows it. */
export interface ShownEntry {
  readonly at: string
  readonly operation: string
  readonly outcome: string
  readonly caller: string
  readonly caller_name?: string
  readonly via: string
  readonly address?: string
  readonly provider: string
  readonly ms: number
  readonly count?: number
  readonly approved_by?: string
  readonly arguments?: unknown
}

/** What `audit.verify_audit` says. */
export interface Report {
  readonly is_sound: boolean
  readonly before_chain: number
  readonly strays: number
  readonly chains: readonly {
    readonly chain: string
    readonly is_own: boolean
    readonly is_foreign: boolean
    readonly entries: number
    readonly first_seq?: number
    readonly last_seq?: number
    readonly last_mac?: string
    readonly pruned_seq: number
    readonly unnoted: number
    readonly problem_count: number
    readonly problems: readonly { readonly is: string; readonly seq: number; readonly to_seq?: number }[]
  }[]
}

const LONGEST_ARGUMENTS = 120

/** Time, who, what, how it ended: one line, whatever stands in it. */
export function entryLine(entry: ShownEntry, style: Style): string {
  const { operation, outcome, via, address, count, approved_by: approvedBy } = entry
  const who = entry.caller_name ?? (entry.caller === '' ? '?' : entry.caller)
  const from = address === undefined ? via : `${via} ${address}`
  const ended = outcome === 'ok' ? style.green(outcome) : style.red(harmless(outcome))
  const given = entry.arguments === undefined ? '' : JSON.stringify(entry.arguments)
  return [
    style.dim(entry.at),
    harmless(who),
    style.bold(harmless(operation)),
    ended,
    ...(count === undefined ? [`${entry.ms.toFixed(1)} ms`] : [`${count} times`]),
    style.dim(harmless(`(${from})`)),
    ...(approvedBy === undefined ? [] : [`allowed by ${harmless(approvedBy)}`]),
    ...(given === '' ? [] : [style.dim(harmless(shortened(given)))]),
  ]
    .join('  ')
    .replaceAll('\n', String.raw`\n`)
}

const shortened = (text: string) => (text.length <= LONGEST_ARGUMENTS ? text : `${text.slice(0, LONGEST_ARGUMENTS)}…`)

const SAYS: Readonly<Record<string, string>> = {
  changed: 'was changed',
  removed: 'is missing',
  inserted: 'was put there',
  reordered: 'changed places with the next',
  cut_off: 'is missing at the end: cut off, or the database is an older one',
  replaced: 'is not the one that was noted outside the database',
  unknown_key: 'is signed with a key that is not here',
  anchor: 'is said to be the last that was pruned, and that is not signed',
}

export function reportLines(
  { is_sound: isSound, chains, before_chain: before, strays }: Report,
  style: Style,
): string[] {
  const lines = chains.flatMap((chain) => [chainLine(chain, style), ...problemLines(chain, style)])
  if (before > 0) lines.push(style.dim(`${before} entries are older than the chain: nothing can be said of them.`))
  if (strays > 0) lines.push(style.red(`${strays} entries stand outside of every chain: somebody put them there.`))
  return [...lines, isSound ? style.green('The audit is sound.') : style.red('The audit was tampered with.')]
}

function chainLine(chain: Report['chains'][number], style: Style): string {
  const range = chain.first_seq === undefined ? 'no entries' : `entries ${chain.first_seq} to ${chain.last_seq}`
  const notes = [
    ...(chain.is_own ? [] : ['another hub’s: its end cannot be known here']),
    ...(chain.is_foreign ? ['signed with keys that are not here: nothing can be said of it'] : []),
    ...(chain.pruned_seq > 0 ? [`up to ${chain.pruned_seq} pruned`] : []),
    ...(chain.unnoted > 0 ? [`${chain.unnoted} after the noted end, as after a crash`] : []),
  ]
  const mac = chain.last_mac === undefined ? '' : `  ${style.dim(harmless(chain.last_mac))}`
  return `${style.bold(harmless(chain.chain))}  ${range}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}${mac}`
}

function problemLines({ problems, problem_count: count }: Report['chains'][number], style: Style): string[] {
  const told = problems.map(({ is, seq, to_seq: to }) =>
    style.red(`  ${to === undefined ? `entry ${seq}` : `entries ${seq} to ${to}`}: ${SAYS[is] ?? harmless(is)}`),
  )
  return count > problems.length ? [...told, style.red(`  and ${count - problems.length} more`)] : told
}
