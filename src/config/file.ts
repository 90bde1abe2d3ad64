import {
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
  const errors: ParseError[] = []
  const tree = parseTree(source, errors, { allowTrailingComma: true, allowEmptyContent: true })
  const lineAt = (offset: number) => source.slice(0, offset).split('\n').length
  const problems = [
    ...errors.map(({ error, offset }) => ({ source: name, line: lineAt(offset), text: syntaxText(error) })),
    ...duplicates(tree).map((key) => ({
      source: name,
      line: lineAt(key.offset),
      text: `${String(key.value)} stands twice in the same object`,
    })),
  ]
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
