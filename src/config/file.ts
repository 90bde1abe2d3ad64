import {
  createScanner,
  findNodeAtLocation,
  getNodeValue,
  parseTree,
  printParseErrorCode,
  type Node,
  type ParseError,
} from 'jsonc-parser'
import type { Problem } from './problem.ts'

/** A configuration file as read: its values, what is wrong with its form, and where things stand in it. */
export interface ConfigFile {
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** The line of that key, or of the nearest thing around it. */
  lineOf(path: readonly PropertyKey[]): number
}

/** JSON with comments and trailing commas. `name` is what problems call the file. */
export function parseConfigFile(name: string, text: string): ConfigFile {
  const source = text.replace(/^\uFEFF/, '')
  const lineAt = (offset: number) => source.slice(0, offset).split('\n').length
  const columnAt = (offset: number) => offset - (offset === 0 ? -1 : source.lastIndexOf('\n', offset - 1))
  // Otherwise every other character would be complained about.
  if (source.includes('\0')) return unreadable(name, 'this is not UTF-8, but probably UTF-16: save it as UTF-8')
  const tooDeep = tooDeepAt(source)
  const errors: ParseError[] = []
  // The parser goes down by recursion, and so does whoever walks the value later.
  const tree =
    tooDeep === undefined ? parseTree(source, errors, { allowTrailingComma: true, allowEmptyContent: true }) : undefined
  const found = [
    ...(tooDeep === undefined ? [] : [{ offset: tooDeep, text: `this is not JSON (deeper than ${DEEPEST} levels)` }]),
    ...errors.map(({ error, offset }) => ({ offset, text: syntaxText(error) })),
    ...duplicates(tree).map(({ offset, value }) => ({
      offset,
      text: `${String(value)} stands twice in the same object`,
    })),
  ]
  const problems = found.slice(0, MOST_PROBLEMS).map(({ offset, text }) => ({
    source: name,
    line: lineAt(offset),
    column: columnAt(offset),
    text,
  }))
  return {
    value: tree === undefined ? {} : getNodeValue(tree),
    problems,
    lineOf(path) {
      if (tree === undefined) return 1
      for (let length = path.length; length > 0; length--) {
        const node = findNodeAtLocation(tree, path.slice(0, length) as (string | number)[])
        if (node) return lineAt(node.parent?.type === 'property' ? node.parent.offset : node.offset)
      }
      return lineAt(tree.offset)
    },
  }
}

const unreadable = (source: string, text: string): ConfigFile => ({
  value: {},
  problems: [{ source, line: 1, text }],
  lineOf: () => 1,
})

const DEEPEST = 64
/** A file of something else is wrong at each of its words. */
const MOST_PROBLEMS = 20

/**
 * Where the first bracket too many opens, outside texts and comments. One that closes something else than what is open counts for
 * nothing: the parser goes on after a mistake.
 */
function tooDeepAt(source: string): number | undefined {
  const scanner = createScanner(source, true)
  const open: string[] = []
  while (scanner.getPosition() < source.length) {
    scanner.scan()
    const offset = scanner.getTokenOffset()
    const mark = source[offset]
    if (mark === '{' || mark === '[') open.push(mark)
    else if ((mark === '}' && open.at(-1) === '{') || (mark === ']' && open.at(-1) === '[')) open.pop()
    if (open.length > DEEPEST) return offset
  }
  return undefined
}

/** `CommaExpected` → `comma expected`. */
function syntaxText(error: ParseError['error']): string {
  const words = printParseErrorCode(error).replaceAll(/(?<=[a-z])([A-Z])/g, ' $1')
  return `this is not JSON (${words.toLowerCase()})`
}

/** JSON would let the last one win, without a word. */
function duplicates(node: Node | undefined): Node[] {
  if (!node?.children) return []
  const seen = new Set<unknown>()
  const here = node.children.flatMap(({ type, children: [key] = [] }) => {
    if (node.type !== 'object' || type !== 'property' || !key) return []
    if (seen.has(key.value)) return [key]
    seen.add(key.value)
    return []
  })
  return [...here, ...node.children.flatMap(duplicates)]
}
