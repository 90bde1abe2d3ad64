import { z } from 'zod'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { operation } from '../../kernel/operation.ts'
import { partOf, sliceOf, type KeptResults } from './results/kept-results.ts'

/** Characters of one answer. */
const LONGEST = 100_000

export const readResult = operation<{ readonly kept: KeptResults }>()({
  name: 'catalog.read_result',
  summary: 'Reads on in a result that was too large to show at once.',
  scope: null,
  effect: 'read',
  input: z.object({
    id: z.string().min(1).max(50),
    part: z.int().min(1).default(2).describe('Which part, from 1.'),
    offset: z.int().min(0).optional().describe('In place of part: the first character.'),
    length: z.int().min(1).max(LONGEST).optional().describe('With offset: how many characters.'),
  }),
  output: z.string().describe('That part of its text.'),
  async handler({ id, part, offset, length }, { kept, caller, peer }) {
    const result = kept.find(caller, id)
    const text = offset === undefined ? partOf(result, part) : sliceOf(result, offset, length ?? result.partLength)
    // As it stands: a string in JSON costs a model a third more tokens, most of them backslashes.
    return peer ? textResult(text, peer.revision === MODERN_REVISION) : text
  },
})

/** Bound to fit the schema, which is what other callers get. */
function textResult(text: string, isModern: boolean): string {
  const result = { ...(isModern && { resultType: 'complete' }), content: [{ type: 'text', text }] }
  return new RelayedResult(JSON.stringify(result), result) as unknown as string
}
