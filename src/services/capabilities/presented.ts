import type { Peer } from '../../kernel/mcp/peer.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { contentOf } from './answer.ts'
import type { Execution, Tried } from './execute.ts'

type Presented = Omit<Execution, 'tried'> & { tried: Tried[] }

/**
 * For an MCP client, pictures and sound stay content blocks: as base64 within JSON no model could see them, and they would
 * cost more than the rest of the conversation. Everybody else gets the answer as it is.
 */
export function presented(execution: Execution, peer: Peer | undefined): Presented {
  const plain = { ...execution, tried: [...execution.tried] }
  const blocks = peer && contentOf(execution.result)
  if (!blocks?.some(({ type }) => type !== 'text')) return plain
  const { result: _, ...about } = plain
  const structuredContent = { ...about, result: 'It is in the content beside this.' }
  const content = [...blocks, { type: 'text', text: JSON.stringify(about) }]
  // `invoke` hands a relayed result to MCP clients as it is; the declared form is that of every other caller.
  return new RelayedResult(JSON.stringify({ content, structuredContent })) as unknown as Presented
}
