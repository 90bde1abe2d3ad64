import { Fault } from '../../kernel/fault.ts'

const TOKEN = /[\w!#$%&'*+.^`|~-]+/y
const QUOTED = /"((?:[^"\\]|\\.)*)"/y
const BLANKS = /[ \t]*/y

/**
 * The `for` of each hop in a `Forwarded` header (RFC 7239, 4), from the client's side to ours; undefined: that hop says none.
 * Throws Fault `invalid_request` for what is not of that form: half of a header is worse than none.
 */
export function readForwardedFor(header: string): (string | undefined)[] {
  const hops: (string | undefined)[] = []
  let at = 0
  let own: string | undefined
  let isNamed = false

  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(header)
    if (found) at += found[0].length
    return found
  }
  const value = (): string => {
    const quoted = take(QUOTED)?.[1]
    if (quoted !== undefined) return quoted.replaceAll(/\\(.)/g, '$1')
    return take(TOKEN)?.[0] ?? wrong()
  }

  for (;;) {
    take(BLANKS)
    const name = take(TOKEN)?.[0].toLowerCase() ?? wrong()
    if (header[at++] !== '=') wrong()
    const said = value()
    if (name === 'for') {
      if (isNamed) wrong()
      own = said
      isNamed = true
    }
    take(BLANKS)
    if (at >= header.length) return [...hops, own]
    const separator = header[at++]
    if (separator === ',') {
      hops.push(own)
      own = undefined
      isNamed = false
    } else if (separator !== ';') wrong()
  }
}

function wrong(): never {
  throw new Fault('invalid_request', 'The header Forwarded is not of the form that RFC 7239 gives it.', {
    hint: 'Have the proxy replace what clients send there.',
  })
}
