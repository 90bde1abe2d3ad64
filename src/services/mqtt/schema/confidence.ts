import { childrenOf, type Node } from './tree.ts'
import { kindsOf } from './map-like.ts'

export interface Confidence {
  readonly level: 'High' | 'Medium' | 'Low'
  /** In words: samples, what may still come, how consistent it is. */
  readonly reason: string
}

export interface Evidence {
  readonly messages: number
  /** Messages of the most frequent format. */
  readonly sameFormat: number
  readonly root: Node
}

const ENOUGH = 20
const FEW = 5

/** How far a schema can be trusted. */
export function confidenceOf({ messages, sameFormat, root }: Evidence): Confidence {
  const { singles, mixed, paths } = survey(root)
  // Good and Turing: what was seen once estimates how much was never seen.
  const unseen = messages === 0 ? 1 : Math.min(1, singles / messages)
  const odd = messages - sameFormat
  const reason = [
    `${messages} message${messages === 1 ? '' : 's'}`,
    paths > 1 ? `about ${Math.ceil(unseen * 100)} in 100 may bring something new` : undefined,
    mixed > 0 ? `${mixed} of ${paths} places hold values of several types` : undefined,
    odd > 0 ? `${odd} of another format` : undefined,
    root.partial ? 'more members than are described' : undefined,
  ]
  return { level: levelOf({ messages, unseen, odd, mixed }), reason: reason.filter(Boolean).join('; ') }
}

function levelOf({ messages, unseen, odd, mixed }: { messages: number; unseen: number; odd: number; mixed: number }) {
  if (messages < FEW || unseen > 0.2 || odd / messages > 0.2) return 'Low'
  return messages >= ENOUGH && unseen <= 0.05 && odd === 0 && mixed === 0 ? 'High' : 'Medium'
}

interface Survey {
  /** Members and types that came only once, among others that came more often. */
  singles: number
  mixed: number
  paths: number
}

function survey(root: Node): Survey {
  const found: Survey = { singles: 0, mixed: 0, paths: 0 }
  visit(root, found)
  return found
}

function visit(node: Node, found: Survey): void {
  found.paths += 1
  const kinds = kindsOf(node)
  if (kinds.length > 1) found.mixed += 1
  if (node.seen > 1) found.singles += singleTypes(node)
  for (const child of childrenOf(node)) {
    if (child.seen === 1) found.singles += 1
    // What is new in one message is one thing, however much it has inside.
    if (child.seen > 1) visit(child, found)
    else found.paths += 1
  }
}

const singleTypes = ({ nulls, booleans, integers, fractions, texts, objects, arrays }: Node) =>
  [nulls, booleans, integers + fractions, texts?.count, objects, arrays].filter((count) => count === 1).length
