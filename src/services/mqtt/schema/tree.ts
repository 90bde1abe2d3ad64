import { hashText, HASH_SEED } from './hash.ts'
import { absorbTexts, addText, createTexts, type Texts } from './texts.ts'

/** What is known of the values at one path. Counts only: all of it can be added up. */
export interface Node {
  /** Which paths are kept when there are too many: those with the lowest rank. Never below its parent's. */
  readonly rank: number
  readonly hash: number
  readonly depth: number
  seen: number
  nulls: number
  booleans: number
  integers: number
  /** Numbers with a fraction. */
  fractions: number
  objects: number
  arrays: number
  /** Of numbers. */
  minimum: number
  maximum: number
  /** Of arrays. */
  fewest: number
  most: number
  texts: Texts | undefined
  members: Map<string, Node> | undefined
  items: Node | undefined
  /** There were members or items below that are not kept. */
  partial: boolean
}

/** All paths of one schema. */
export interface Tree {
  readonly root: Node
  paths: number
  /** Paths of this rank or above are not kept. */
  limit: number
}

/** Paths in one schema; more are noted as `partial`. */
export const MOST_PATHS = 2000
const DEEPEST = 24
const LONGEST_KEY = 200

const createNode = (rank: number, hash: number, depth: number): Node => ({
  rank,
  hash,
  depth,
  seen: 0,
  nulls: 0,
  booleans: 0,
  integers: 0,
  fractions: 0,
  objects: 0,
  arrays: 0,
  minimum: Infinity,
  maximum: -Infinity,
  fewest: Infinity,
  most: 0,
  texts: undefined,
  members: undefined,
  items: undefined,
  partial: false,
})

export const createTree = (): Tree => ({ root: createNode(0, HASH_SEED, 0), paths: 1, limit: Infinity })

/** Adds one value, as JSON knows them. */
export function addValue(tree: Tree, node: Node, value: unknown): void {
  node.seen += 1
  if (typeof value === 'number') addNumber(node, value)
  else if (typeof value === 'string') addText((node.texts ??= createTexts()), value)
  else if (typeof value === 'boolean') node.booleans += 1
  else if (Array.isArray(value)) addArray(tree, node, value)
  else if (typeof value === 'object' && value !== null) addObject(tree, node, value)
  else node.nulls += 1
}

function addNumber(node: Node, value: number): void {
  if (Number.isInteger(value)) node.integers += 1
  else node.fractions += 1
  // 0 for -0: the two are one number in JSON.
  node.minimum = Math.min(node.minimum, value + 0)
  node.maximum = Math.max(node.maximum, value + 0)
}

function addArray(tree: Tree, node: Node, values: readonly unknown[]): void {
  node.arrays += 1
  node.fewest = Math.min(node.fewest, values.length)
  node.most = Math.max(node.most, values.length)
  const items = values.length > 0 ? childOf(tree, node, undefined) : undefined
  if (items) for (const value of values) addValue(tree, items, value)
}

function addObject(tree: Tree, node: Node, value: object): void {
  node.objects += 1
  for (const [key, member] of Object.entries(value)) {
    const child = childOf(tree, node, key)
    if (child) addValue(tree, child, member)
  }
}

/** The child for a member, or for the items of an array; undefined when it is not kept. */
function childOf(tree: Tree, node: Node, key: string | undefined): Node | undefined {
  const known = key === undefined ? node.items : node.members?.get(key)
  return known ?? addChild(tree, node, key)
}

/**
 * Which paths are kept depends on the set of them alone, not on their order: a path is refused only when so many lower
 * ones are known that it can never come back. So every path that is kept has been counted from its first value on.
 */
function addChild(tree: Tree, node: Node, key: string | undefined): Node | undefined {
  const hash = hashText(key ?? '[]', node.hash)
  // Members of the message itself come before what lies deeper, where maps with a thousand keys are more common.
  const rank = Math.max(node.rank, node.depth === 0 ? hash / 16 : hash)
  if (rank >= tree.limit || node.depth >= DEEPEST || (key !== undefined && key.length > LONGEST_KEY)) {
    node.partial = true
    return undefined
  }
  const child = createNode(rank, hash, node.depth + 1)
  if (key === undefined) node.items = child
  else (node.members ??= new Map()).set(key, child)
  tree.paths += 1
  if (tree.paths > 2 * MOST_PATHS) prune(tree)
  return child
}

/** Brings the tree to its final form: at most `MOST_PATHS` paths. */
export function prune(tree: Tree): void {
  if (tree.paths <= MOST_PATHS) return
  const ranks = Float64Array.from(nodesOf(tree.root), ({ rank }) => rank).sort()
  // Children often share the rank of their parent: all of one rank go together.
  tree.limit = Math.min(tree.limit, ranks[MOST_PATHS] ?? Infinity)
  tree.paths = 1
  dropFrom(tree, tree.root)
}

function* nodesOf(node: Node): Generator<Node> {
  yield node
  for (const child of childrenOf(node)) yield* nodesOf(child)
}

function dropFrom(tree: Tree, node: Node): void {
  const keeps = ({ rank }: Node) => rank < tree.limit
  const kept = [...(node.members ?? [])].filter(([, child]) => keeps(child))
  const items = node.items && keeps(node.items) ? node.items : undefined
  node.partial ||= kept.length !== (node.members?.size ?? 0) || items !== node.items
  node.members = kept.length > 0 ? new Map(kept) : undefined
  node.items = items
  for (const child of childrenOf(node)) {
    tree.paths += 1
    dropFrom(tree, child)
  }
}

export const childrenOf = ({ members, items }: Node): Node[] => [
  ...(members?.values() ?? []),
  ...(items ? [items] : []),
]

/** Adds up what two places know; `from` stays as it is. */
export function absorb(tree: Tree, into: Node, from: Node): void {
  into.seen += from.seen
  into.nulls += from.nulls
  into.booleans += from.booleans
  into.integers += from.integers
  into.fractions += from.fractions
  into.objects += from.objects
  into.arrays += from.arrays
  into.minimum = Math.min(into.minimum, from.minimum)
  into.maximum = Math.max(into.maximum, from.maximum)
  into.fewest = Math.min(into.fewest, from.fewest)
  into.most = Math.max(into.most, from.most)
  into.partial ||= from.partial
  if (from.texts) absorbTexts((into.texts ??= createTexts()), from.texts)
  for (const [key, child] of from.members ?? []) absorbChild(tree, into, { key, child })
  if (from.items) absorbChild(tree, into, { key: undefined, child: from.items })
}

function absorbChild(tree: Tree, into: Node, { key, child }: { key: string | undefined; child: Node }): void {
  const target = childOf(tree, into, key)
  if (target) absorb(tree, target, child)
}

/** The values of several places as if they had been at one: what the members of a map have in common. */
export function combined(nodes: Iterable<Node>): Node {
  const tree = createTree()
  for (const node of nodes) absorb(tree, tree.root, node)
  prune(tree)
  return tree.root
}
