import { decode } from '../decode/decode.ts'
import { createHomeView } from '../families/home-view.ts'
import { createSchema, schemaId } from '../schema/statistics.ts'
import type { TopicEntry } from './topic-entry.ts'

/** What a topic is related to: devices of the same family, topics of the same structure. */
export interface Kinship {
  readonly family?: string
  readonly schema?: string
}

/** Made for one page: only what is shown is decoded, and only payloads that are known whole. */
export function createKinship(): (entry: TopicEntry) => Kinship {
  const view = createHomeView()
  return ({ topic, payload: latin1, size, retained, lastMs }) => {
    if (latin1.length < size || size === 0) return {}
    const payload = Buffer.from(latin1, 'latin1')
    const decoded = decode(topic, payload)
    const family = view.see({ topic, payload, retained, atMs: lastMs }, decoded)?.family
    const isStructured = typeof decoded.value === 'object' && decoded.value !== null
    const schema = createSchema()
    if (isStructured) schema.add(decoded)
    return {
      ...(family !== undefined && family !== 'plain' && { family }),
      ...(isStructured && { schema: schemaId(schema) }),
    }
  }
}
