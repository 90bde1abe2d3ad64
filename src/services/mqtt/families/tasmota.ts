import { nothing, type Claim, type Family, type Outcome, type Profile } from './family.ts'
import type { Facts } from './device.ts'
import type { Heard } from './heard.ts'
import { isObject, member, onlineOf, wordOf } from './values.ts'
import { sensorFacts, stateFacts } from './tasmota-facts.ts'

type Prefix = 'cmnd' | 'stat' | 'tele'

/** A device's three topics as it announced them: `%prefix%` and `%topic%` may be anywhere. */
interface Root {
  readonly device: string
  readonly prefix: Prefix
  readonly onlineWord: string
  readonly offlineWord: string
}

const PREFIXES: readonly Prefix[] = ['cmnd', 'stat', 'tele']
const TELE = /^(?:STATE|SENSOR|LWT|INFO[123]|RESULT|UPTIME|HASS_STATE)$/
const STAT = /^(?:RESULT|POWER\d*|STATUS\d*|LOGGING)$/
const MOST_ROOTS = 3000

/**
 * Tasmota: `tele/…`, `stat/…` and `cmnd/…`, in the usual orders of prefix and topic; with any other full topic once the
 * device has announced it at `tasmota/discovery/<MAC>/config` (`ft`, `tp`, `t`).
 */
export function createTasmota(): Family {
  const roots = new Map<string, Root>()

  const rootOf = (topic: string, last: string): Root | undefined => {
    const head = topic.slice(0, -last.length - 1)
    return roots.get(head) ?? usualRoot(head, last)
  }

  const announced = (heard: Heard, mac: string): Outcome => {
    const source = `tasmota/discovery/${mac}/config`
    if (!isObject(heard.value)) return nothing
    const announcement = readAnnouncement(heard.value)
    if (!announcement) return nothing
    const { device, heads, profile, onlineWord, offlineWord } = announcement
    for (const [prefix, head] of heads)
      if (roots.size < MOST_ROOTS) roots.set(head, { device, prefix, onlineWord, offlineWord })
    const claim: Claim = { device, kind: 'config', declares: { source, profile }, says: profile.model ?? 'announced' }
    return { claims: [claim], revisit: { below: heads.map(([, head]) => head) } }
  }

  return {
    name: 'tasmota',
    read(heard) {
      const { topic, levels } = heard
      const [first, second, mac = '', what] = levels
      // `sensors` names what there will be; the values in it are as old as the announcement.
      if (first === 'tasmota' && second === 'discovery' && levels.length === 4)
        return what === 'config' ? announced(heard, mac) : nothing
      const last = levels.at(-1) ?? ''
      if (last === '' || levels.length < 2) return undefined
      const root = rootOf(topic, last)
      return root && readRoot(heard, root, last)
    },
  }
}

/** `tele/<topic>/STATE` or `<topic>/tele/STATE`: the topic may have several levels. */
function usualRoot(head: string, last: string): Root | undefined {
  const prefix = PREFIXES.find((name) => head.startsWith(`${name}/`) || head.endsWith(`/${name}`))
  if (prefix === undefined || (prefix === 'tele' && !TELE.test(last)) || (prefix === 'stat' && !STAT.test(last)))
    return undefined
  const path = head.startsWith(`${prefix}/`) ? head.slice(prefix.length + 1) : head.slice(0, -prefix.length - 1)
  if (path === '' || (prefix === 'cmnd' && !/^[A-Z]\w*$/i.test(last))) return undefined
  return { device: `tasmota/${path}`, prefix, onlineWord: 'Online', offlineWord: 'Offline' }
}

function readAnnouncement(config: Readonly<Record<string, unknown>>) {
  const full = wordOf(config['ft'], 200) ?? '%prefix%/%topic%/'
  const topic = wordOf(config['t'], 200)
  if (topic === undefined || !full.includes('%prefix%')) return undefined
  const prefixes = Array.isArray(config['tp']) ? config['tp'] : []
  const fill = (prefix: string) =>
    full
      .replace('%prefix%', () => prefix)
      .replace('%topic%', () => topic)
      .replace(/\/+/g, '/')
      .replace(/^\/|\/$/g, '')
  const heads = PREFIXES.map((name, index) => [name, fill(wordOf(prefixes[index], 60) ?? name)] as const)
  const names: readonly unknown[] = Array.isArray(config['fn']) ? config['fn'] : []
  const name = wordOf(config['dn']) ?? wordOf(names[0])
  const model = wordOf(config['md'])
  const traits = names.flatMap((label, index) => {
    const word = wordOf(label)
    return index > 0 && word !== undefined ? [[`state_${index + 1}`, { label: word }] as const] : []
  })
  const profile: Profile = {
    ...(name !== undefined && { name }),
    ...(model !== undefined && { model }),
    traits: Object.fromEntries(traits),
  }
  return {
    device: `tasmota/${fill('')}`,
    heads,
    profile,
    onlineWord: wordOf(config['onln']) ?? 'Online',
    offlineWord: wordOf(config['ofln']) ?? 'Offline',
  }
}

function readRoot(heard: Heard, root: Root, last: string): Outcome | undefined {
  const { device, prefix } = root
  const { value, text } = heard
  if (prefix === 'cmnd') {
    const says = `told ${last} ${text.slice(0, 120)}`.trim()
    return { claims: [{ device, kind: 'command', says }] }
  }
  if (last === 'LWT') return readWill(text, root)
  if (/^POWER\d*$/.test(last)) return { claims: [{ device, kind: 'state', facts: stateFacts({ [last]: text }) }] }
  if (!isObject(value)) return nothing
  const result = prefix === 'stat' ? 'response' : 'state'
  if (last === 'SENSOR') return { claims: [sensorClaim(device, value)] }
  if (/^STATUS\d*$/.test(last)) return { claims: [statusClaim(device, value)] }
  if (/^INFO[123]$/.test(last)) return { claims: [infoClaim(device, value)] }
  const refused = member(value, 'Command')
  if (refused === 'Unknown' || refused === 'Error') {
    const error = `it answered a command with ${refused}`
    return { claims: [{ device, kind: 'response', error, says: error }] }
  }
  const facts = stateFacts(value)
  const known = Object.keys(facts).length > 0
  return { claims: [{ device, kind: known ? 'state' : result, facts, ...(!known && { says: words(value) }) }] }
}

/** A word of its own choice is understood once it is announced. */
function readWill(text: string, { device, onlineWord, offlineWord }: Root): Outcome | undefined {
  const online = text === onlineWord ? true : text === offlineWord ? false : onlineOf(text)
  if (online !== undefined) return { claims: [{ device, kind: 'availability', online }] }
  return text === '' ? nothing : undefined
}

function sensorClaim(device: string, value: Readonly<Record<string, unknown>>): Claim {
  const { facts, traits } = sensorFacts(value)
  const profile: Profile = { traits }
  const declares = Object.keys(traits).length > 0 ? { declares: { source: 'SENSOR', profile } } : {}
  return { device, kind: 'state', facts, ...declares }
}

/** An answer to STATUS: 8 and 10 hold the sensors, 11 the state, 2 the firmware. */
function statusClaim(device: string, value: Readonly<Record<string, unknown>>): Claim {
  const sensors = member(value, 'StatusSNS')
  if (isObject(sensors)) return { ...sensorClaim(device, sensors), kind: 'response' }
  const state = member(value, 'StatusSTS')
  const facts: Facts = isObject(state) ? stateFacts(state) : {}
  return {
    device,
    kind: 'response',
    facts,
    ...(!isObject(state) && { says: Object.keys(value).join(', ').slice(0, 100) }),
  }
}

function infoClaim(device: string, value: Readonly<Record<string, unknown>>): Claim {
  const model = wordOf(member(member(value, 'Info1'), 'Module'))
  const reason = wordOf(member(member(value, 'Info3'), 'RestartReason'))
  const crashed = reason !== undefined && /exception|watchdog|fatal|blink/i.test(reason)
  const says = reason === undefined ? 'started' : `restarted: ${reason}`
  return {
    device,
    kind: 'event',
    says,
    ...(crashed && { error: says }),
    ...(model !== undefined && { declares: { source: 'INFO1', profile: { model } } }),
  }
}

const words = (value: Readonly<Record<string, unknown>>) => JSON.stringify(value).slice(0, 120)
