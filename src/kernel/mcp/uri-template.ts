/**
 * Whether an address can come from a URI template (RFC 6570). Good enough to find whose it is, and linear: templates come
 * from other people's servers, and expressions made of regular expressions could be made to run for ever.
 */
export function fitsTemplate(template: string, address: string): boolean {
  const parts = partsOf(template)
  let at = 0
  for (const [index, part] of parts.entries()) {
    if (typeof part === 'string') {
      if (!address.startsWith(part, at)) return false
      at += part.length
      continue
    }
    // As little as fits before the text that follows; the last takes all there is.
    const next = parts[index + 1]
    const end = typeof next !== 'string' ? address.length : lastOrFirst(address, next, at, index + 2 === parts.length)
    if (end === -1 || !part.takes(address.slice(at, end))) return false
    at = end
  }
  return at === address.length
}

interface Expression {
  takes(text: string): boolean
}

/** Operators that bring reserved characters, or nothing, with them; the rest encode what they insert. */
const WIDE = /^[+#/.;?&]/

/** Literal text and expressions in turn; expressions side by side count as one. */
function partsOf(template: string): (string | Expression)[] {
  const parts: (string | Expression)[] = []
  for (const [index, piece] of template.split(/\{([^{}]*)\}/).entries()) {
    if (index % 2 === 0) {
      if (piece !== '') parts.push(piece)
    } else if (typeof parts.at(-1) === 'object') parts[parts.length - 1] = ANYTHING
    else parts.push(WIDE.test(piece) ? ANYTHING : SEGMENT)
  }
  return parts
}

const ANYTHING: Expression = { takes: () => true }
/** Simple expansion encodes what is reserved, slashes among it. */
const SEGMENT: Expression = { takes: (text) => text !== '' && !/[/?#]/.test(text) }

const lastOrFirst = (address: string, literal: string, from: number, isLast: boolean): number => {
  if (!isLast) return address.indexOf(literal, from)
  const end = address.length - literal.length
  return end >= from && address.endsWith(literal) ? end : -1
}
