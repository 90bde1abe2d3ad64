import { combined, type Node } from './tree.ts'

const FEWEST_MEMBERS = 12
/** Names that count or identify something, rather than say what it is. */
const IDENTIFYING = /\d{2}|^\d+$|^0x|^[\da-f]{6,}$/i

/**
 * The members of an object that serves as a map (device id → device), as one; undefined for a record. A map has many
 * members of one kind, and each of them is rare, or named by an id.
 */
export function mapMembers(node: Node): Node | undefined {
  const members = node.members
  if (!members || members.size < FEWEST_MEMBERS || node.objects === 0) return undefined
  const names = [...members.keys()]
  const presence = sum(members.values()) / (node.objects * members.size)
  const identified = names.filter((name) => IDENTIFYING.test(name)).length >= 0.9 * names.length
  if (presence > 0.5 && !identified) return undefined
  const all = combined(members.values())
  return kindsOf(all).length <= 1 ? all : undefined
}

const sum = (nodes: Iterable<Node>) => Iterator.from(nodes).reduce((total, { seen }) => total + seen, 0)

export type Kind = 'object' | 'array' | 'string' | 'number' | 'boolean'

/** The types that were seen, null aside. */
export function kindsOf(node: Node): Kind[] {
  const kinds: Kind[] = []
  if (node.objects > 0) kinds.push('object')
  if (node.arrays > 0) kinds.push('array')
  if (node.texts) kinds.push('string')
  if (node.integers + node.fractions > 0) kinds.push('number')
  if (node.booleans > 0) kinds.push('boolean')
  return kinds
}
