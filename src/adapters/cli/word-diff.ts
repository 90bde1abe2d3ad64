/** A stretch of text that both have, or that only the earlier or the later one has. */
export interface Stretch {
  readonly in: 'both' | 'before' | 'now'
  readonly text: string
}

/** Beyond so many comparisons the middle is shown as replaced: whoever writes the text must not decide how long it takes. */
const MOST_COMPARISONS = 4_000_000

/** Two texts word by word; white space counts as a word of its own. */
export function wordDiff(before: string, now: string): readonly Stretch[] {
  const old = wordsOf(before)
  const young = wordsOf(now)
  let start = 0
  while (start < old.length && start < young.length && old[start] === young[start]) start++
  let end = 0
  while (end < old.length - start && end < young.length - start && old.at(-1 - end) === young.at(-1 - end)) end++
  return joined([
    ...old.slice(0, start).map((text): Stretch => ({ in: 'both', text })),
    ...middle(old.slice(start, old.length - end), young.slice(start, young.length - end)),
    ...old.slice(old.length - end).map((text): Stretch => ({ in: 'both', text })),
  ])
}

const wordsOf = (text: string): string[] => text.match(/\s+|[^\s]+/g) ?? []

/** By the longest common subsequence. */
function middle(old: readonly string[], young: readonly string[]): Stretch[] {
  const replaced: Stretch[] = [
    { in: 'before', text: old.join('') },
    { in: 'now', text: young.join('') },
  ]
  if (old.length * young.length > MOST_COMPARISONS) return replaced
  const width = young.length + 1
  const lengths = new Uint32Array((old.length + 1) * width)
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = young.length - 1; j >= 0; j--)
      lengths[i * width + j] = old[i] === young[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const stretches: Stretch[] = []
  for (let i = 0, j = 0; i < old.length || j < young.length;) {
    const [a, b] = [old[i], young[j]]
    if (a !== undefined && a === b) {
      stretches.push({ in: 'both', text: a })
      i++
      j++
    } else if (a !== undefined && (b === undefined || at(i + 1, j) >= at(i, j + 1))) {
      stretches.push({ in: 'before', text: a })
      i++
    } else {
      stretches.push({ in: 'now', text: b ?? '' })
      j++
    }
  }
  return stretches
}

/** Neighbours of one kind as one; a blank between two changed words belongs to both changes. */
function joined(stretches: readonly Stretch[]): readonly Stretch[] {
  const bridged = stretches.flatMap((stretch, at): Stretch[] => {
    const isBridge =
      stretch.in === 'both' && stretch.text.trim() === '' && isChange(stretches[at - 1]) && isChange(stretches[at + 1])
    return isBridge ? ORDER.slice(1).map((where) => ({ ...stretch, in: where })) : [stretch]
  })
  let run = { both: '', before: '', now: '' }
  const runs = [run]
  for (const { in: where, text } of bridged) {
    if (where === 'both' && run.before + run.now !== '') runs.push((run = { both: '', before: '', now: '' }))
    run[where] += text
  }
  return runs.flatMap((one) =>
    ORDER.filter((where) => one[where] !== '').map((where) => ({ in: where, text: one[where] })),
  )
}

const ORDER = ['both', 'before', 'now'] as const

const isChange = (stretch: Stretch | undefined): boolean => stretch !== undefined && stretch.in !== 'both'
