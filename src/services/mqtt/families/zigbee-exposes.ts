import type { Trait } from './family.ts'
import { isObject, numberOf, wordOf } from './values.ts'

const DEEPEST = 5
const MOST_TRAITS = 200

/** What the `exposes` of a Zigbee2MQTT device say of its properties: units, ranges, what is only diagnostic. */
export function traitsOfExposes(exposes: unknown): Record<string, Trait> {
  const traits = new Map<string, Trait>()
  const walk = (list: unknown, depth: number) => {
    if (!Array.isArray(list) || depth > DEEPEST) return
    for (const expose of list.slice(0, MOST_TRAITS)) {
      if (!isObject(expose) || traits.size >= MOST_TRAITS) continue
      const property = wordOf(expose['property'])
      if (Array.isArray(expose['features'])) walk(expose['features'], depth + 1)
      else if (property !== undefined) traits.set(property, traitOf(expose, property))
    }
  }
  walk(exposes, 1)
  return Object.fromEntries(traits)
}

function traitOf(expose: Readonly<Record<string, unknown>>, property: string): Trait {
  const unit = wordOf(expose['unit'], 20)
  const name = wordOf(expose['name'])
  const max = name === 'brightness' ? numberOf(expose['value_max']) : undefined
  const { category } = expose
  // With several endpoints the property is `state_left` and the name `state`.
  const ofEndpoint = name !== undefined && name !== property && property.startsWith(`${name}_`)
  return {
    ...(unit !== undefined && { unit }),
    ...(max !== undefined && { max }),
    ...((category === 'config' || (category === 'diagnostic' && property !== 'battery')) && { minor: true }),
    ...(name !== undefined && !ofEndpoint && name !== property && { class: name }),
  }
}
