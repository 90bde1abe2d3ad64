import { Fault } from '../../kernel/fault.ts'
import { isObject } from '../../kernel/mcp/message.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'

/**
 * A tool's result for callers who do not speak MCP (REST, MQTT, the command line): the structured content where there is
 * one, else the content blocks. Throws Fault `upstream_failed` when the tool itself says that it failed.
 */
export function neutralResult(upstream: string, { value, isError }: RelayedResult): unknown {
  const { content, structuredContent } = value
  if (isError)
    throw new Fault('upstream_failed', `${upstream}: ${textOf(content) || 'the tool failed and did not say why.'}`, {
      details: { provider: upstream, ...(structuredContent !== undefined && { structured: structuredContent }) },
    })
  return structuredContent ?? { content: Array.isArray(content) ? content : [] }
}

/** The text blocks of a content list, one below the other. */
export function textOf(content: unknown): string {
  if (!Array.isArray(content)) return ''
  return content
    .flatMap((block: unknown) => (isObject(block) && typeof block['text'] === 'string' ? [block['text']] : []))
    .join('\n')
}
