import type { Claim } from './family.ts'
import { readTemplate } from './ha-template.ts'
import type { Heard } from './heard.ts'
import { isObject, wordOf, type JsonObject } from './values.ts'

/** What a topic says of a device beside its facts. */
export interface OnlineReader {
  readonly topic: string
  read(heard: Heard): Omit<Claim, 'device'> | undefined
}

const MOST_TOPICS = 10

/** `availability_topic`, or each of the list `availability`. */
export function availabilityOf(options: JsonObject): OnlineReader[] {
  const list = Array.isArray(options['availability'])
    ? options['availability'].slice(0, MOST_TOPICS).filter(isObject)
    : []
  const single = wordOf(options['availability_topic'], 500)
  if (single === undefined)
    return list.flatMap((one) => readerOf({ ...options, ...one, template: one['value_template'] }))
  return readerOf({ ...options, topic: single, template: options['availability_template'] })
}

function readerOf(options: JsonObject): OnlineReader[] {
  const topic = wordOf(options['topic'], 500)
  if (topic === undefined) return []
  const yes = wordOf(options['payload_available']) ?? 'online'
  const no = wordOf(options['payload_not_available']) ?? 'offline'
  const template = wordOf(options['template'], 500)
  const shown = readTemplate(template ?? '{{ value }}')
  return [
    {
      topic,
      read(heard) {
        const word = shown?.(heard)
        if (word !== yes && word !== no) return undefined
        return { kind: 'availability', online: word === yes, channel: topic }
      },
    },
  ]
}

// Colours: escape, bracket, numbers, m.
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g')

/** ESPHome's log, beside its status: `<node>/debug` has lines such as `[E][dht:048]: Communication failed`. */
export function logReader(statusTopic: string): OnlineReader[] {
  if (!statusTopic.endsWith('/status')) return []
  return [
    {
      topic: `${statusTopic.slice(0, -'/status'.length)}/debug`,
      read({ text }) {
        const line = text.slice(0, 300).replace(COLOURS, '')
        const [, level = '', says = ''] = /\[([EWIDVC])\]\[[^\]]*\]:?\s*(.*)/.exec(line) ?? []
        if (says === '') return undefined
        const error = level === 'E' ? { error: says.slice(0, 200) } : {}
        return { kind: 'log', says: says.slice(0, 200), ...error }
      },
    },
  ]
}
