import { kindsOf, mapMembers } from './map-like.ts'
import type { Node } from './tree.ts'

/** Every path with its types: `state:string`, `params.switch:0.apower:number`, `*` for the names of a map. */
export function structureOf(root: Node): Set<string> {
  const lines = new Set<string>()
  collect(root, '', lines)
  return lines
}

function collect(node: Node, path: string, lines: Set<string>): void {
  lines.add(`${path}:${kindsOf(node).join('|') || 'null'}`)
  if (node.items) collect(node.items, `${path}[]`, lines)
  const map = mapMembers(node)
  if (map) return collect(map, `${path}.*`, lines)
  for (const [name, child] of node.members ?? []) collect(child, `${path}.${name}`, lines)
}

/** Different names of members: how two structures can be of one kind although each lacks something. */
const SIMILAR = 0.75

/**
 * Whether two structures are most likely one with optional members: no path has types that exclude each other, and they
 * share three quarters, or half if one has all that the other has.
 */
export function alike(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a]
  const shared = small.intersection(large).size
  if (shared === small.size && shared >= large.size / 2) return true
  return shared / (small.size + large.size - shared) >= SIMILAR && !conflicts(small.difference(large), large)
}

const NAMED = /^(.*):([^:]*)$/

function conflicts(only: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  const paths = new Set([...other].map((line) => NAMED.exec(line)?.[1]))
  return [...only].some((line) => !line.endsWith(':null') && paths.has(NAMED.exec(line)?.[1]))
}
