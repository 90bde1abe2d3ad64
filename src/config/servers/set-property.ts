import { applyEdits, findNodeAtLocation, modify, parseTree, type FormattingOptions, type JSONPath } from 'jsonc-parser'
import { commaAfter } from './remove-property.ts'

/**
 * The text with one value set, in the layout the file has. Only what is new is laid out: `modify` of jsonc-parser also
 * lays out the neighbours anew, so it serves only where there are none, or all stand on one line.
 */
export function withProperty(text: string, path: JSONPath, value: unknown): string {
  const source = text.trim() === '' ? '{}\n' : text
  const tree = parseTree(source)
  const layout = layoutOf(source)
  const node = tree && findNodeAtLocation(tree, path)
  if (node) {
    const laidOut = textOf(value, indentAt(source, node.offset), layout)
    return source.slice(0, node.offset) + laidOut + source.slice(node.offset + node.length)
  }
  const container = tree && findNodeAtLocation(tree, path.slice(0, -1))
  const last = container?.type === 'object' ? container.children?.at(-1) : undefined
  if (!last || !isFirstOfLine(source, last.offset))
    return applyEdits(source, modify(source, path, value, { formattingOptions: layout }))
  const end = last.offset + last.length
  const comma = commaAfter(source, end)
  const after = comma === undefined ? end : comma + 1
  const indent = indentAt(source, last.offset)
  const member = `${layout.eol}${indent}${JSON.stringify(path.at(-1))}: ${textOf(value, indent, layout)}`
  // A comment at the end of the last line stays with what it is about.
  const [comment = ''] = /^[ \t]*\/\/[^\r\n]*/.exec(source.slice(after)) ?? []
  const separated = comma === undefined ? `,${comment}${member}` : `${comment}${member},`
  return source.slice(0, after) + separated + source.slice(after + comment.length)
}

type Layout = FormattingOptions & { readonly eol: string }

function textOf(value: unknown, indent: string, { insertSpaces, tabSize = 2, eol }: Layout): string {
  const unit = insertSpaces ? ' '.repeat(tabSize) : '\t'
  return JSON.stringify(value, null, unit).replaceAll('\n', `${eol}${indent}`)
}

/** What stands before it on its line. No regular expression looks for the line: it would look from each character on. */
const beforeIt = (text: string, offset: number): string => text.slice(lineAt(text, offset), offset)
const lineAt = (text: string, offset: number): number => (offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1)

const isFirstOfLine = (text: string, offset: number): boolean =>
  lineAt(text, offset) > 0 && /^[ \t]*$/.test(beforeIt(text, offset))

const indentAt = (text: string, offset: number): string => /^[ \t]*/.exec(beforeIt(text, offset))?.[0] ?? ''

/** As the file is written already. */
function layoutOf(text: string): Layout {
  const [, indent = '  '] = /^([ \t]+)\S/m.exec(text) ?? []
  const isTab = indent.startsWith('\t')
  return {
    insertSpaces: !isTab,
    tabSize: isTab ? 1 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
    insertFinalNewline: true,
  }
}
