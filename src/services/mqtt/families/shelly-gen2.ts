import { nothing, type Claim, type Family, type Outcome } from './family.ts'
import type { Heard } from './heard.ts'
import { isComponent, shellyFacts } from './shelly-components.ts'
import { isObject, member, onlineOf, wordOf } from './values.ts'

const MOST_PREFIXES = 2000
const OWN_NAME = /^shelly[a-z0-9]*-[0-9a-f]{6,12}$/i

/**
 * Shelly of the second generation and later: JSON-RPC below a prefix that is the device's own name unless its owner
 * chose another. Notifications carry what changed, `status/<component>` all of a component.
 */
export function createShellyGen2(): Family {
  const prefixes = new Set<string>()
  /** From the name a device signs with to the prefix it publishes below. */
  const homes = new Map<string, string>()

  /** Takes note of a prefix; what was said below it before can be read now. */
  const learned = (prefix: string, outcome: Outcome, signed?: string): Outcome => {
    const isNew = !prefixes.has(prefix) && prefixes.size < MOST_PREFIXES
    if (isNew) prefixes.add(prefix)
    const moved =
      signed !== undefined && signed !== prefix && homes.get(signed) !== prefix && homes.size < MOST_PREFIXES
    if (moved) homes.set(signed, prefix)
    const claims = moved ? outcome.claims.map((claim) => ({ ...claim, formerly: signed })) : outcome.claims
    return isNew
      ? { claims, revisit: { topics: [`${prefix}/online`, `${prefix}/rpc`], below: [`${prefix}/command`] } }
      : { claims }
  }
  const isKnown = (prefix: string) => prefixes.has(prefix) || OWN_NAME.test(prefix)

  return {
    name: 'shelly-gen2',
    read(heard) {
      const { topic } = heard
      if (topic.endsWith('/events/rpc')) {
        const prefix = topic.slice(0, -'/events/rpc'.length)
        const outcome = notified(heard, prefix)
        return outcome && learned(prefix, outcome, wordOf(member(heard.value, 'src')))
      }
      const [, prefix = '', component = ''] = /^(.+)\/status\/([a-z0-9_]+(?::\d+)?)$/.exec(topic) ?? []
      if (isComponent(component) && isObject(heard.value))
        return learned(prefix, { claims: [statusClaim(prefix, { [component]: heard.value }, 'whole')] })
      if (topic.endsWith('/rpc')) return readRpc(heard, isKnown, homes)
      return readSimple(heard, isKnown)
    },
  }
}

function readSimple(heard: Heard, isKnown: (prefix: string) => boolean): Outcome | undefined {
  const { topic } = heard
  const [, prefix = '', what] = /^(.+?)\/(online|announce|command)(?:\/[a-z0-9_:]+)?$/.exec(topic) ?? []
  if (!isKnown(prefix)) return undefined
  const { text, value } = heard
  if (what === 'command') return { claims: [{ device: prefix, kind: 'command', says: `told ${text.slice(0, 120)}` }] }
  if (what === 'announce') return { claims: [infoClaim(prefix, value)] }
  const online = onlineOf(text)
  return online === undefined ? nothing : { claims: [{ device: prefix, kind: 'availability', online }] }
}

/** NotifyStatus, NotifyFullStatus and NotifyEvent. */
function notified({ value }: Heard, device: string): Outcome | undefined {
  const method = member(value, 'method')
  const params = member(value, 'params')
  if (!isObject(params)) return undefined
  if (method === 'NotifyStatus') return { claims: [statusClaim(device, params, 'part')] }
  if (method === 'NotifyFullStatus') return { claims: [statusClaim(device, params, 'whole')] }
  if (method !== 'NotifyEvent') return undefined
  const events = Array.isArray(params['events']) ? params['events'].slice(0, 20).filter(isObject) : []
  const said = events.flatMap((event) => {
    const name = wordOf(event['event'], 40)
    return name === undefined ? [] : [`${wordOf(event['component'], 40) ?? ''} ${name.replaceAll('_', ' ')}`.trim()]
  })
  const push = events.map((event) => wordOf(event['event'], 40)).findLast((name) => name?.endsWith('_push') === true)
  return {
    claims: [{ device, kind: 'event', says: said.join(', '), ...(push !== undefined && { facts: { action: push } }) }],
  }
}

function statusClaim(device: string, params: Readonly<Record<string, unknown>>, extent: 'whole' | 'part'): Claim {
  const { facts, error, traits } = shellyFacts(params, extent)
  return {
    device,
    kind: 'state',
    facts,
    ...(error !== undefined && { error }),
    ...(Object.keys(traits).length > 0 && {
      declares: { source: Object.keys(traits).sort().join(), profile: { traits } },
    }),
  }
}

function infoClaim(device: string, value: unknown): Claim {
  const name = wordOf(member(value, 'name'))
  const model = wordOf(member(value, 'app')) ?? wordOf(member(value, 'model'))
  const profile = { ...(name !== undefined && { name }), ...(model !== undefined && { model: `Shelly ${model}` }) }
  return { device, kind: 'config', says: 'announced', declares: { source: 'info', profile } }
}

/** A request comes at `<prefix>/rpc`; the answer goes to `<src of the request>/rpc` and names the device in its `src`. */
function readRpc(
  { topic, value }: Heard,
  isKnown: (prefix: string) => boolean,
  homes: ReadonlyMap<string, string>,
): Outcome | undefined {
  const method = wordOf(member(value, 'method'), 60)
  const target = topic.slice(0, -'/rpc'.length)
  if (method !== undefined)
    return isKnown(target) ? { claims: [{ device: target, kind: 'command', says: `asked for ${method}` }] } : undefined
  const src = wordOf(member(value, 'src'))
  if (src === undefined || !(OWN_NAME.test(src) || homes.has(src))) return undefined
  const device = homes.get(src) ?? src
  const failure = member(value, 'error')
  if (isObject(failure)) {
    const error = `${wordOf(failure['message']) ?? 'the call failed'} (${String(failure['code']).slice(0, 10)})`
    return { claims: [{ device, kind: 'response', error, says: error }] }
  }
  const result = member(value, 'result')
  if (!isObject(result)) return { claims: [{ device, kind: 'response' }] }
  if (typeof result['app'] === 'string') return { claims: [{ ...infoClaim(device, result), kind: 'response' }] }
  const { facts } = shellyFacts(result, 'part')
  return {
    claims: [
      {
        device,
        kind: 'response',
        facts,
        ...(Object.keys(facts).length === 0 && { says: JSON.stringify(result).slice(0, 120) }),
      },
    ],
  }
}
