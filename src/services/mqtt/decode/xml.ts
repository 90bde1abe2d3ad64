import { MAX_DEPTH, type Decoded } from './format.ts'

const MOST_ELEMENTS = 10_000
const START = /^<(?:\?xml\s|[A-Za-z_][\w:.-]*[\s/>])/
const TOKEN =
  /<!\[CDATA\[([^]*?)\]\]>|<!--[^]*?-->|<\?[^]*?\?>|<(\/?)([A-Za-z_][\w:.-]*)(?![\w:.-])((?:[^<>"']|"[^<"]*"|'[^<']*'){0,20000})>|([^<]+)/y
const ATTRIBUTE = /\s+([A-Za-z_][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/y
const PREDEFINED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

interface Element {
  readonly name: string
  readonly members: Map<string, unknown>
  text: string
}

export const looksLikeXml = (trimmed: string) => START.test(trimmed) && trimmed.endsWith('>')

/**
 * The structure of an XML document: attributes as `@name`, text as `#text` (alone: a string), repeated elements as
 * lists. A document type is never read, so no entity but the five of XML 1.0 §4.6 and character numbers means anything.
 */
export function readXml(trimmed: string): Decoded {
  const result = parse(trimmed)
  return typeof result === 'string'
    ? { format: 'xml', confidence: 'likely', note: result }
    : { format: 'xml', value: Object.fromEntries(result), confidence: 'certain' }
}

/** The root's members, or why it was not read. */
function parse(text: string): Map<string, unknown> | string {
  const document: Element = { name: '', members: new Map(), text: '' }
  const open: Element[] = [document]
  let elements = 0
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex
    const token = TOKEN.exec(text)
    if (!token) return text.startsWith('<!DOCTYPE', at) ? 'has a document type: not read' : `not well-formed at ${at}`
    const [, cdata, slash, name, attributes = '', plain = ''] = token
    if (name === undefined) {
      ;(open.at(-1) ?? document).text += cdata ?? withoutEntities(plain)
      continue
    }
    if (++elements > MOST_ELEMENTS) return `more than ${MOST_ELEMENTS} elements: not read`
    if (open.length > MAX_DEPTH) return `nests deeper than ${MAX_DEPTH} levels: not read`
    if (!take(open, { closing: slash === '/', name, attributes })) return `not well-formed at ${at}`
  }
  return open.length === 1 && isDocument(document) ? document.members : 'not well-formed at its end'
}

/** One root and no text beside it (XML 1.0 §2.1). */
const isDocument = ({ members, text }: Element) =>
  members.size === 1 && !Array.isArray(members.values().next().value) && text.trim() === ''

function take(open: Element[], tag: { closing: boolean; name: string; attributes: string }): boolean {
  if (tag.closing) {
    const element = open.pop()
    const parent = open.at(-1)
    if (element?.name !== tag.name || !parent) return false
    addMember(parent.members, tag.name, valueOf(element))
    return true
  }
  const empty = tag.attributes.endsWith('/')
  const members = attributesOf(empty ? tag.attributes.slice(0, -1) : tag.attributes)
  if (!members) return false
  const element = { name: tag.name, members, text: '' }
  if (empty) addMember((open.at(-1) ?? element).members, tag.name, valueOf(element))
  else open.push(element)
  return true
}

function attributesOf(source: string): Map<string, unknown> | undefined {
  const members = new Map<string, unknown>()
  const end = source.trimEnd().length
  ATTRIBUTE.lastIndex = 0
  while (ATTRIBUTE.lastIndex < end) {
    const found = ATTRIBUTE.exec(source)
    if (!found) return undefined
    members.set(`@${found[1]}`, withoutEntities(found[2] ?? found[3] ?? ''))
  }
  return members
}

function addMember(members: Map<string, unknown>, name: string, value: unknown): void {
  const before = members.get(name)
  if (before === undefined) members.set(name, value)
  else if (Array.isArray(before)) before.push(value)
  else members.set(name, [before, value])
}

function valueOf({ members, text }: Element): unknown {
  const trimmed = text.trim()
  if (members.size === 0) return trimmed
  if (trimmed !== '') members.set('#text', trimmed)
  return Object.fromEntries(members)
}

const withoutEntities = (text: string) =>
  text.includes('&')
    ? text.replace(/&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(\w{2,4}));/g, (whole, decimal, hex, name) => {
        if (name !== undefined) return PREDEFINED[String(name)] ?? whole
        const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal)
        return code <= 0x10ffff ? String.fromCodePoint(code).toWellFormed() : whole
      })
    : text
