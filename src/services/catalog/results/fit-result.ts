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
 * read it. What is no text (images, links) stays; of a resource that came along with its text, a link.
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
    const whole = kept.keep(of.caller, content.text, partLength) ?? { id: undefined, text: content.text, partLength }
    if (partCount(whole) < 2) return result
    members.set(
      'content',
      `[${[...shown(whole, of), ...linksFor(of, content.resources), ...content.others].join(',')}]`,
    )
    if (!mustKeepStructure(of)) members.delete('structuredContent')
    return writeMembers(members)
  }
}

interface Content {
  readonly text: string
  /** Whose text is among it. */
  readonly resources: readonly Readonly<Record<string, unknown>>[]
  readonly others: readonly JsonText[]
}

/** The texts as one text, and the other blocks as they came; undefined: it is no content of a tool. */
function contentOf(json: JsonText | undefined): Content | undefined {
  if (json === undefined || !json.startsWith('[')) return undefined
  const texts: string[] = []
  const resources: Readonly<Record<string, unknown>>[] = []
  const others: JsonText[] = []
  for (const element of readElements(json)) {
    const block: unknown = element.startsWith('{') ? JSON.parse(element) : undefined
    const resource = isObject(block) && block['type'] === 'resource' ? block['resource'] : undefined
    const holder = isObject(resource) ? resource : isObject(block) && block['type'] === 'text' ? block : undefined
    const text = holder?.['text']
    if (typeof text !== 'string') others.push(element)
    else texts.push(text)
    if (typeof text === 'string' && isObject(resource)) resources.push(resource)
  }
  return { text: texts.join('\n'), resources, others }
}

/** Where what came along lies by itself; clients of before 2025-06-18 know no links. */
function linksFor({ peer }: ResultOf, resources: Content['resources']): JsonText[] {
  if (!since(peer.revision, '2025-06-18')) return []
  return resources.map(({ text: _, uri, ...more }) =>
    JSON.stringify({ type: 'resource_link', uri, name: String(uri), ...more }),
  )
}

/**
 * A tool that declares an output schema must answer with what fits it (2025-06-18 and later, tools, "Output Schema"), and
 * clients check: half of it would be wrong, none of it an error. So programs get all of it, and models the text in parts.
 */
const mustKeepStructure = ({ tool: { outputSchema = {} } }: ResultOf): boolean => Object.keys(outputSchema).length > 0

function shown(whole: KeptResult | Unkept, { peer }: ResultOf): JsonText[] {
  const first = textBlock(partOf(whole, 1))
  if (whole.id === undefined) return [first, textBlock(lossOf(whole))]
  const blocks = [first, textBlock(noticeOf(whole))]
  // Since 2025-06-18; clients of before would refuse the whole result.
  return since(peer.revision, '2025-06-18') ? [...blocks, linkTo(whole)] : blocks
}

/** Larger than all that may be kept: the first part is all there is. */
interface Unkept extends Pick<KeptResult, 'text' | 'partLength'> {
  readonly id: undefined
}

const lossOf = ({ text, partLength }: Unkept): string =>
  `[This was the beginning: ${partLength} of ${text.length} characters. The rest is too large to be kept: ask the tool for less.]`

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
