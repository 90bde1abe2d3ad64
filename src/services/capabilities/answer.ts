import { isObject } from '../../kernel/mcp/message.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'

/** What a tool answered, in the forms that a mapping can ask for. */
export interface Answer {
  /** As it came. */
  readonly value: unknown
  /** The text blocks of an MCP result, the `content` of a structured one, or all of it as JSON. */
  readonly text: string
  /** What is not only content blocks. */
  readonly structured?: unknown
  /** The structured answer, or the text read as JSON. */
  readonly json?: unknown
  /** MCP content blocks. */
  readonly content?: readonly unknown[]
  /** The first block of that type. */
  readonly image?: unknown
  readonly audio?: unknown
}

export function readAnswer(output: unknown): Answer {
  const value = output instanceof RelayedResult ? (output.value['structuredContent'] ?? output.value) : output
  const content = contentOf(value)
  if (!content) return { value, text: textOf(value), structured: value, json: value }
  const text = content.flatMap((block) => (typeof block['text'] === 'string' ? [block['text']] : [])).join('\n')
  const json = parsed(text)
  const block = (type: string) => content.find((block) => block['type'] === type)
  const image = block('image')
  const audio = block('audio')
  return {
    value,
    text,
    content,
    ...(json !== undefined && { json }),
    ...(image && { image }),
    ...(audio && { audio }),
  }
}

/** The blocks of what is nothing but content of an MCP result. */
export function contentOf(value: unknown): readonly Readonly<Record<string, unknown>>[] | undefined {
  if (!isObject(value) || !Array.isArray(value['content'])) return undefined
  const blocks: readonly unknown[] = value['content']
  return blocks.every((block): block is Record<string, unknown> => isObject(block) && typeof block['type'] === 'string')
    ? blocks
    : undefined
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (isObject(value) && typeof value['content'] === 'string') return value['content']
  return JSON.stringify(value) ?? ''
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
