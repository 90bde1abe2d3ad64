import { jsonDiff, type Difference } from './json-diff.ts'
import { harmless, type Style } from './style.ts'
import { wordDiff, type Stretch } from './word-diff.ts'

/** A tool that waits for a person, as `gateway.review_tools` gives it. */
export interface HeldTool {
  readonly server: string
  readonly tool: string
  readonly why: 'new' | 'changed'
  readonly fingerprint: string
  readonly approved_at?: string
  /** `null`: it was, or is, not there. */
  readonly changes: readonly { readonly member: string; readonly before: unknown; readonly now: unknown }[]
}

/** What a person has to read before letting it through. */
export function heldToolLines(tool: HeldTool, style: Style): readonly string[] {
  const { server, approved_at: approvedAt, why, changes } = tool
  const since = approvedAt === undefined ? '' : `, approved at ${harmless(approvedAt)}`
  return [
    `${style.bold(visible(`${server}.${tool.tool}`))}  ${why}${since}`,
    ...changes.flatMap((change) => [
      `  ${style.dim(visible(change.member))}`,
      ...memberLines(change, style).map((line) => `    ${line}`),
    ]),
  ]
}

function memberLines({ before, now }: HeldTool['changes'][number], style: Style): readonly string[] {
  if (isText(before) && isText(now)) return textLines(shortened(wordDiff(before, now)), style)
  if (before === null && isText(now)) return textLines([{ in: 'now', text: now }], style)
  if (isText(before) && now === null) return textLines([{ in: 'before', text: before }], style)
  return jsonDiff(before ?? undefined, now ?? undefined).flatMap((difference) => jsonLines(difference, style))
}

/** Marks besides the colours: not everybody sees them. */
function textLines(stretches: readonly Stretch[], { red, green }: Style): readonly string[] {
  return stretches
    .map(({ in: where, text }) => {
      if (where === 'both') return visible(text)
      const shown = text.trim() === '' ? JSON.stringify(text) : visible(text)
      return where === 'now' ? green(`{+${shown}+}`) : red(`[-${shown}-]`)
    })
    .join('')
    .split('\n')
}

/** Words around a change that are shown. */
const CONTEXT_WORDS = 12

/** What did not change only as far as it helps to find the place. */
function shortened(stretches: readonly Stretch[]): readonly Stretch[] {
  return stretches.map((stretch, index) => {
    const words = stretch.text.match(/^\s+|\S+\s*/g) ?? []
    const isFirst = index === 0
    const isLast = index === stretches.length - 1
    const most = isFirst || isLast ? CONTEXT_WORDS : 2 * CONTEXT_WORDS
    if (stretch.in !== 'both' || words.length <= most) return stretch
    const head = isFirst ? '' : words.slice(0, CONTEXT_WORDS).join('')
    const tail = isLast ? '' : words.slice(-CONTEXT_WORDS).join('')
    return { in: 'both', text: `${head}…${tail.startsWith(' ') || tail === '' ? '' : ' '}${tail}` }
  })
}

function jsonLines(difference: Difference, style: Style): readonly string[] {
  const path = difference.path === '' ? '' : `${visible(difference.path)}: `
  if (!('before' in difference)) return [style.green(`+ ${path}${json(difference.now)}`)]
  if (!('now' in difference)) return [style.red(`- ${path}${json(difference.before)}`)]
  const { before, now } = difference
  if (!isText(before) || !isText(now)) return [`~ ${path}${style.red(json(before))} → ${style.green(json(now))}`]
  const [first = '', ...more] = textLines(shortened(wordDiff(before, now)), style)
  return [`~ ${path}${first}`, ...more.map((line) => `  ${line}`)]
}

const json = (value: unknown) => visible(JSON.stringify(value))

/**
 * Text of a server as it may be shown to somebody who decides by it: what a model reads and a person does not see (marks
 * without width, changes of direction, tags) is spelt out.
 */
const visible = (text: string) =>
  harmless(text).replaceAll(
    /[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Co}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )

const isText = (value: unknown): value is string => typeof value === 'string'
