import { isObject } from '../../../kernel/mcp/message.ts'
import type { FitResult, ResultOf } from '../../../kernel/mcp/large-results.ts'
import { since } from '../../../kernel/mcp/protocol.ts'
import { readElements, readMembers, writeMembers, type JsonText } from '../../../kernel/mcp/raw.ts'
import type { Profile } from '../../../kernel/mcp/profile.ts'
import { estimateTokens } from '../../../kernel/token-estimate.ts'
import { CATALOG } from '../visible.ts'
import { resultAddress } from './address.ts'
import { partCount, partOf, type KeptResult, type KeptResults } from './kept-results.ts'
import { shapeOf } from './shape.ts'

export interface FitOptions {
  readonly kept: KeptResults
  /** Tokens of one result; 0: any number. */
  limitOf(profile: Profile): number
}

/** What reads on gives what was asked for. */
const READ_RESULT = `${CATALOG}.read_result`
/** Characters of a part: some 8,000 tokens, and no more than about half of what a result may have. */
const LONGEST_PART = 24_000
const CHARACTERS_PER_TOKEN = 1.5

/**
 * Results whose text is over the limit are kept, and the client gets the first part, what the rest is like and where to
 * read it. What is no text (images, links) stays.
 */
export function createFitResult({ kept, limitOf }: FitOptions): FitResult {
  return (result, of) => {
    const limit = limitOf(of.profile)
    // Hardly a token is shorter than a character: most results are not looked at.
    if (limit === 0 || result.length <= limit || of.tool.name === READ_RESULT) return result
    const members = readMembers(result)
    const content = contentOf(members.get('content'))
    if (content === undefined || estimateTokens(content.text) <= limit) return result
    const partLength = Math.max(1000, Math.min(LONGEST_PART, Math.floor(limit * CHARACTERS_PER_TOKEN)))
    const whole = kept.keep(of.caller, content.text, partLength)
    if (whole === undefined || partCount(whole) < 2) return result
    members.set('content', `[${[...shown(whole, of), ...content.others].join(',')}]`)
    if (!mustKeepStructure(of)) members.delete('structuredContent')
    return writeMembers(members)
  }
}

/** The text blocks as one text, and the others as they came; undefined: it is no content of a tool. */
function contentOf(json: JsonText | undefined): { text: string; others: JsonText[] } | undefined {
  if (json === undefined || !json.startsWith('[')) return undefined
  const texts: string[] = []
  const others: JsonText[] = []
  for (const element of readElements(json)) {
    const block: unknown = element.startsWith('{') ? JSON.parse(element) : undefined
    if (isObject(block) && block['type'] === 'text' && typeof block['text'] === 'string') texts.push(block['text'])
    else others.push(element)
  }
  return { text: texts.join('\n'), others }
}

/**
 * A tool that declares an output schema must answer with what fits it (2025-06-18 and later, tools, "Output Schema"), and
 * clients check: half of it would be wrong, none of it an error. So programs get all of it, and models the text in parts.
 */
const mustKeepStructure = ({ tool: { outputSchema = {} } }: ResultOf): boolean => Object.keys(outputSchema).length > 0

function shown(whole: KeptResult, { peer }: ResultOf): JsonText[] {
  const blocks = [textBlock(partOf(whole, 1)), textBlock(noticeOf(whole))]
  // Since 2025-06-18; clients of before would refuse the whole result.
  return since(peer.revision, '2025-06-18') ? [...blocks, linkTo(whole)] : blocks
}

const textBlock = (text: string): JsonText => JSON.stringify({ type: 'text', text })

function noticeOf(whole: KeptResult): string {
  const { id, text, partLength } = whole
  const parts = partCount(whole)
  return [
    `[This was part 1 of ${parts}: ${partLength} of ${text.length} characters, about ${estimateTokens(text)} tokens. The rest is kept for an hour.`,
    `The whole is ${shapeOf(text)}.`,
    `To read on: read_result with {"id": "${id}", "part": 2}, or the resource ${resultAddress(id, 2)}.`,
    'Where the tool can filter or page, asking it for less is cheaper.]',
  ].join('\n')
}

const linkTo = (whole: KeptResult): JsonText =>
  JSON.stringify({
    type: 'resource_link',
    uri: resultAddress(whole.id, 2),
    name: `part 2 of ${partCount(whole)}`,
    description: 'The rest of this result, by parts.',
    mimeType: 'text/plain',
  })
