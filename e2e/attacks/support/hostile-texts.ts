/** What an atom of a pattern may stand for: characters of every kind that patterns tell apart. */
const POOL = [
  ...Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)),
  ...Array.from('\t\n\r\u001B\u0000\u0085\u00A0éß中\u200B\u202E\u2028😀'),
]

/** More of them would cost time and find the same. */
const MOST_SAMPLES = 6

type Node =
  | { readonly kind: 'atom'; readonly samples: readonly string[] }
  | { readonly kind: 'sequence' | 'choice'; readonly of: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly least: number; readonly most: number }

/**
 * Texts that make a pattern try as much as it can: what each of its repetitions takes, over and over, after what has to stand before
 * it, and an end that fits nothing.
 */
export function hostileTexts(pattern: RegExp, length: number): string[] {
  const texts = new Set<string>()
  const walk = (node: Node, before: string): void => {
    if (node.kind === 'sequence') {
      let soFar = before
      for (const part of node.of) {
        walk(part, soFar)
        soFar += samplesOf(part)[0] ?? ''
      }
    }
    if (node.kind === 'choice') for (const part of node.of) walk(part, before)
    if (node.kind !== 'repeat') return
    walk(node.of, before)
    if (node.most < 10) return
    const bodies = samplesOf(node.of).filter((body) => body !== '')
    for (const body of [...bodies, bodies.join('')].filter((text) => text !== ''))
      for (const end of ['\u0000', '', bodies[0] ?? ''])
        texts.add(before + body.repeat(Math.ceil(length / body.length)) + end)
  }
  walk(parse(pattern), '')
  return [...texts]
}

function samplesOf(node: Node): string[] {
  if (node.kind === 'atom') return [...node.samples]
  if (node.kind === 'choice') return node.of.flatMap(samplesOf).slice(0, MOST_SAMPLES)
  if (node.kind === 'repeat')
    return node.least === 0 ? ['', ...samplesOf(node.of)] : samplesOf(node.of).map((text) => text.repeat(node.least))
  const firsts = node.of.map((part) => samplesOf(part))
  const whole = (choose: (samples: string[]) => string | undefined) => firsts.map((one) => choose(one) ?? '').join('')
  return [...new Set([whole((one) => one[0]), whole((one) => one.at(-1))])]
}

/** A reader of patterns, as far as it takes to make texts for them. */
function parse({ source, flags }: RegExp): Node {
  let at = 0
  const choice = (): Node => {
    const branches = [sequence()]
    while (source[at] === '|') {
      at++
      branches.push(sequence())
    }
    return branches.length === 1 && branches[0] ? branches[0] : { kind: 'choice', of: branches }
  }
  const sequence = (): Node => {
    const parts: Node[] = []
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(repeated(atom()))
    return { kind: 'sequence', of: parts }
  }
  const take = (sticky: RegExp): RegExpExecArray | null => {
    sticky.lastIndex = at
    const found = sticky.exec(source)
    if (found) at += found[0].length
    return found
  }
  const repeated = (node: Node): Node => {
    const found = take(/(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y)
    if (!found) return node
    const [, sign, least = '0', comma, most = ''] = found
    if (sign !== undefined)
      return { kind: 'repeat', of: node, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : 1e9 }
    const top = comma === '' ? least : most
    return { kind: 'repeat', of: node, least: Number(least), most: top === '' ? 1e9 : Number(top) }
  }
  const atom = (): Node => {
    const opened = take(/\((?:\?(?:[:=!]|<[=!]|<\w+>|[a-z-]+:))?/y)
    if (opened) {
      const inner = choice()
      at++
      return /[=!]$/.test(opened[0]) ? { kind: 'repeat', of: inner, least: 0, most: 1 } : inner
    }
    const text =
      take(/\[(?:\\.|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\k<\w+>|\\.|[^]/iy)?.[0] ??
      ''
    if (/^(?:\^|\$|\\[bB1-9]|\\k.*)$/.test(text)) return { kind: 'atom', samples: [''] }
    const one = new RegExp(`^(?:${text})$`, flags.replaceAll(/[gy]/g, ''))
    const fitting = POOL.filter((character) => one.test(character))
    // Spread over the kinds: the first of them are all punctuation.
    const step = Math.max(1, Math.floor(fitting.length / MOST_SAMPLES))
    return { kind: 'atom', samples: fitting.filter((_, index) => index % step === 0).slice(0, MOST_SAMPLES) }
  }
  return choice()
}
