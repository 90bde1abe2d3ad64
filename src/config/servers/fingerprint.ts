import { createHash } from 'node:crypto'

/** The same for the same content, whatever the order of keys. For comparison in memory: it is made of secrets too. */
export function fingerprintOf(definition: object): string {
  const text = JSON.stringify(definition, (_, value: unknown) => {
    if (value instanceof Map) return sorted(Object.fromEntries(value))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? sorted(value) : value
  })
  return createHash('sha256').update(text).digest('hex')
}

const sorted = (value: object) => Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
