import { createScanner, findNodeAtLocation, parseTree, type JSONPath } from 'jsonc-parser'

/**
 * The text without that member of an object. Its own line goes, with a comment at the end of it; comments of its
 * neighbours stay, which `modify` of jsonc-parser takes away with a last member.
 */
export function withoutProperty(text: string, path: JSONPath): string {
  const tree = parseTree(text)
  const property = tree && findNodeAtLocation(tree, path)?.parent
  const siblings = property?.parent?.children
  if (!property || !siblings) return text
  const end = property.offset + property.length
  const comma = commaAfter(text, end)
  const previous = siblings[siblings.indexOf(property) - 1]
  const before = previous && comma === undefined ? commaAfter(text, previous.offset + previous.length) : undefined
  const [from, to] = wholeLine(text, property.offset, comma === undefined ? end : comma + 1)
  const head = text.slice(0, from)
  return (before === undefined ? head : head.slice(0, before) + head.slice(before + 1)) + text.slice(to)
}

/** Where the comma is that follows, whatever spaces and comments stand between. */
export function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true)
  scanner.setPosition(offset)
  scanner.scan()
  const found = scanner.getTokenOffset()
  return text[found] === ',' ? found : undefined
}

/** With the white space around it, and one line break where nothing else stands on the line. */
function wholeLine(text: string, from: number, to: number): [from: number, to: number] {
  const lead = text.slice(leadAt(text, from), from)
  const [trail = ''] = /^[ \t]*(\/\/[^\r\n]*)?(?=\r?\n|$)/.exec(text.slice(to)) ?? []
  const isAlone = /^\r?\n/.test(lead) && /^(\r?\n|$)/.test(text.slice(to + trail.length))
  return isAlone ? [from - lead.length, to + trail.length] : [from, to]
}

/** Where the white space before it begins, with the end of the line before. */
function leadAt(text: string, offset: number): number {
  let at = offset
  while (text[at - 1] === ' ' || text[at - 1] === '\t') at--
  if (text[at - 1] !== '\n') return at
  return text[at - 2] === '\r' ? at - 2 : at - 1
}
