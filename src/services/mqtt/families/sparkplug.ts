import { createDecoder, type Decoded } from '../decode/decode.ts'
import type { Facts } from './device.ts'
import { nothing, type Claim, type Family, type Outcome } from './family.ts'
import { factOf, isObject, member, type JsonObject } from './values.ts'

const TOPIC = /^spBv1\.0\/([^/]+)\/([ND])(BIRTH|DEATH|DATA|CMD)\/([^/]+)(?:\/([^/]+))?$/
const MOST_METRICS = 200
/** What the node is controlled with, and what counts its sessions: no state of anything. */
const INTERNAL = /^(?:bdSeq$|Node Control\/|Device Control\/)/
const NAMELESS = /^(?:alias \d+|unnamed)$/

/**
 * Sparkplug B 3.0, below `spBv1.0/` and nowhere else. A node's death takes its devices along (§5), a birth makes void
 * what was known. DATA whose BIRTH was not heard names its metrics by numbers: it waits for the BIRTH, and says nothing.
 */
export function createSparkplug(): Family {
  const decoder = createDecoder()
  return {
    name: 'sparkplug-b',
    read(heard) {
      if (!heard.topic.startsWith('spBv1.0/')) return undefined
      const origin = originOf(heard.topic)
      if (!origin) return nothing
      const { device, type } = origin
      if (type === 'CMD') return { claims: [{ device, kind: 'command', says: 'told something' }] }
      if (type === 'DEATH') return { claims: [{ device, kind: 'availability', online: false }] }
      const metrics = metricsOf(decoder.decode(heard.topic, heard.payload))
      if (!metrics) return nothing
      return type === 'BIRTH' ? born(metrics, origin) : told(device, metrics)
    },
  }
}

interface Origin {
  readonly device: string
  /** The edge node, for a device behind one. */
  readonly parent: string | undefined
  readonly type: string
  /** Where the node's and its devices' DATA come. */
  readonly data: readonly [string, string]
}

function originOf(topic: string): Origin | undefined {
  const [, group = '', level, type = '', node = '', device] = TOPIC.exec(topic) ?? []
  if (type === '' || (level === 'D') !== (device !== undefined)) return undefined
  const nodeId = `spBv1.0/${group}/${node}`
  const data = [`spBv1.0/${group}/NDATA/${node}`, `spBv1.0/${group}/DDATA/${node}`] as const
  return device === undefined
    ? { device: nodeId, parent: undefined, type, data }
    : { device: `${nodeId}/${device}`, parent: nodeId, type, data }
}

function metricsOf({ format, value }: Decoded): JsonObject | undefined {
  const metrics = format === 'sparkplug-b' ? member(value, 'metrics') : undefined
  return isObject(metrics) ? metrics : undefined
}

function born(metrics: JsonObject, { device, parent, data }: Origin): Outcome {
  const { facts } = factsOf(metrics)
  // Metrics have paths: "Motor/Speed".
  const traits = Object.keys(facts).map((name) => [name, { label: name.replaceAll('/', ' ') }] as const)
  const profile = { traits: Object.fromEntries(traits), ...(parent !== undefined && { parent, diesWithParent: true }) }
  const declares = { source: 'BIRTH', profile }
  const claim: Claim = { device, kind: 'state', facts, online: true, afresh: true, declares }
  return { claims: [claim], revisit: { topics: [data[0]], below: [data[1]] } }
}

function told(device: string, metrics: JsonObject): Outcome {
  const { facts, nameless } = factsOf(metrics)
  const says = nameless > 0 ? `${nameless} metrics that no BIRTH has named yet` : undefined
  const claim: Claim = { device, kind: 'state', facts, ...(says !== undefined && { says }) }
  return { claims: [claim], ...(nameless > 0 && { keep: true as const }) }
}

function factsOf(metrics: JsonObject): { readonly facts: Facts; readonly nameless: number } {
  const entries = Object.entries(metrics).slice(0, MOST_METRICS)
  const named = entries.flatMap(([name, value]) => {
    const fact = NAMELESS.test(name) || INTERNAL.test(name) ? undefined : factOf(value)
    return fact === undefined ? [] : [[name.slice(0, 100), fact] as const]
  })
  return { facts: Object.fromEntries(named), nameless: entries.filter(([name]) => NAMELESS.test(name)).length }
}
