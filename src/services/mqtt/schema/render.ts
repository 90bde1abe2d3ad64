import { mapMembers, kindsOf } from './map-like.ts'
import type { Texts } from './texts.ts'
import type { Node } from './tree.ts'

/** JSON Schema 2020-12, without `$schema`. Beside the standard's keywords: `x-…`, explained at each below. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/** An enumeration is believed up to so many values, and up to the square root of the number of samples. */
const MOST_ENUM = 12
const FEWEST_FOR_ENUM = 4
/** Names of members whose values identify: listing them would pass off a sample as the whole. */
const ID_NAME =
  /(?:^|[_.-])(?:id|ids|uid|uuid|guid|mac|serial|token|transaction|ieee_?address|ieee)$|(?:[a-z]Id|Uuid)$/i
const TIME_NAME = /time|date|stamp|seen|epoch|^ts$|_(?:ts|at)$|since|until|expires/i
const SECONDS = [1e9, 4e9] as const
const MILLISECONDS = [1e12, 4e12] as const

/** The schema of the values at a place; `name` is the member's, which tells ids and times from counts. */
export function renderNode(node: Node, name = ''): JsonSchema {
  const types = typesOf(node)
  return {
    ...(types.length > 0 && { type: types.length === 1 ? types[0] : types }),
    ...(node.integers + node.fractions > 0 && numberKeywords(node, name)),
    ...(node.texts && textKeywords(node.texts, node, name)),
    ...(node.arrays > 0 && arrayKeywords(node)),
    ...(node.objects > 0 && objectKeywords(node)),
    // x-nulls: the share of the values that are null.
    ...(node.nulls > 0 && node.nulls < node.seen && { 'x-nulls': share(node.nulls, node.seen) }),
    // x-partial: there is more below than is described.
    ...(node.partial && { 'x-partial': true }),
  }
}

function typesOf(node: Node): string[] {
  const types: string[] = kindsOf(node).map((kind) => (kind === 'number' && node.fractions === 0 ? 'integer' : kind))
  return node.nulls > 0 ? [...types, 'null'] : types
}

function numberKeywords(node: Node, name: string): JsonSchema {
  const unit = unixTimeUnit(node, name)
  return {
    minimum: node.minimum,
    maximum: node.maximum,
    // x-unix-time: the unit of what is most likely a time.
    ...(unit !== undefined && { 'x-unix-time': unit }),
  }
}

function unixTimeUnit({ minimum, maximum, fractions }: Node, name: string): 's' | 'ms' | undefined {
  const within = ([from, to]: readonly [number, number]) => minimum >= from && maximum <= to
  if (!TIME_NAME.test(name)) return undefined
  return within(SECONDS) ? 's' : within(MILLISECONDS) && fractions === 0 ? 'ms' : undefined
}

function textKeywords(texts: Texts, node: Node, name: string): JsonSchema {
  const [format, votes = 0] = [...texts.formats].sort((a, b) => b[1] - a[1])[0] ?? []
  if (format !== undefined && votes === texts.count) return { format, examples: texts.examples.slice(0, 1) }
  const numeric = texts.numeric === texts.count
  const values = numeric || ID_NAME.test(name) ? undefined : enumOf(texts, node)
  if (values) return { enum: values }
  return {
    ...(texts.shortest === texts.longest && { minLength: texts.shortest }),
    maxLength: texts.longest,
    // x-numeric: numbers written as text.
    ...(numeric && { 'x-numeric': true }),
    examples: texts.examples,
  }
}

/** Only where all values are strings (or null): an enumeration would shut the other types out. */
function enumOf({ distinct, count }: Texts, node: Node): unknown[] | undefined {
  if (!distinct || count < FEWEST_FOR_ENUM || distinct.size > MOST_ENUM || distinct.size > Math.sqrt(count))
    return undefined
  if (count + node.nulls !== node.seen) return undefined
  const values = [...distinct.keys()].sort()
  return node.nulls > 0 ? [...values, null] : values
}

function arrayKeywords({ items, fewest, most }: Node): JsonSchema {
  return { ...(items && { items: renderNode(items) }), minItems: fewest, maxItems: most }
}

function objectKeywords(node: Node): JsonSchema {
  const map = mapMembers(node)
  // x-keys: how many names the map had, at least.
  if (map) return { additionalProperties: renderNode(map), 'x-keys': node.members?.size }
  const members = [...(node.members ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
  const required = members.filter(([, { seen }]) => seen === node.objects).map(([name]) => name)
  return {
    ...(members.length > 0 && {
      properties: Object.fromEntries(members.map(([name, child]) => [name, memberSchema(name, child, node.objects)])),
    }),
    ...(required.length > 0 && { required }),
  }
}

function memberSchema(name: string, child: Node, objects: number): JsonSchema {
  const schema = renderNode(child, name)
  // x-presence: the share of the objects that have it, for those that not all have.
  return child.seen === objects ? schema : { ...schema, 'x-presence': share(child.seen, objects) }
}

/** Rounded down: what is not in all is never written as 1. */
const share = (some: number, all: number) => Math.floor((some / all) * 1000) / 1000
