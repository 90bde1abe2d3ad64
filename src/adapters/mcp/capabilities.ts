import { isObject } from '../../kernel/mcp/message.ts'
import { MODERN_REVISION, since, type Revision } from '../../kernel/mcp/protocol.ts'
import type { Offers, Provider } from '../../kernel/registry.ts'

/** What the hub can do for a client: its own part, and what the servers behind it declared. */
export function capabilitiesOf(providers: readonly Provider[], revision: Revision): object {
  const offers = providers.flatMap((provider) => (provider.offers ? [provider.offers] : []))
  // A server that was never reached may turn out to have anything: its clients must have been told.
  const has = (name: string) => offers.some(({ capabilities }) => name in capabilities || isUnknown(capabilities))
  const experimental = unionOf(offers, 'experimental')
  const extensions = unionOf(offers, 'extensions')
  const tasks = revision === '2025-11-25' ? unionOf(offers, 'tasks') : undefined
  return {
    tools: { listChanged: true },
    logging: {},
    ...(has('prompts') && { prompts: { listChanged: true } }),
    ...(has('resources') && { resources: { subscribe: true, listChanged: true } }),
    ...(since(revision, '2025-03-26') && has('completions') && { completions: {} }),
    ...(experimental && { experimental }),
    ...(tasks && { tasks }),
    ...(extensions && (revision === MODERN_REVISION || since(revision, '2025-11-25')) && { extensions }),
  }
}

const isUnknown = (capabilities: object): boolean => Object.keys(capabilities).length === 0

/** What any of them declared under that name; undefined: none did. */
function unionOf(offers: readonly Offers[], name: string): object | undefined {
  const declared = offers.flatMap(({ capabilities }) => (isObject(capabilities[name]) ? [capabilities[name]] : []))
  return declared.length === 0 ? undefined : declared.reduce(merge, {})
}

const merge = (a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const merged = { ...a }
  for (const [key, value] of Object.entries(b)) {
    const known = Object.hasOwn(merged, key) ? merged[key] : undefined
    merged[key] = isObject(known) && isObject(value) ? merge(known, value) : (known ?? value)
  }
  return merged
}

/** Characters of one server's instructions, and of all: they cost every conversation. */
const LONGEST_PART = 2000
const LONGEST_ALL = 8000

/** The hub's own instructions, and those of each server behind it under its name. */
export function instructionsOf(own: string, providers: readonly Provider[]): string {
  const parts = [own]
  let length = own.length
  for (const { id, offers } of providers) {
    if (!offers?.instructions) continue
    const part = `${id}: ${cut(offers.instructions.trim(), LONGEST_PART)}`
    length += part.length
    if (length > LONGEST_ALL) break
    parts.push(part)
  }
  return parts.join('\n\n')
}

const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`)
