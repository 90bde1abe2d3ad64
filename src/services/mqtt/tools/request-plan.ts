import { randomBytes } from 'node:crypto'
import type { IPublishPacket } from 'mqtt'
import { Fault } from '../../../kernel/fault.ts'
import { payloadOf } from '../message.ts'
import { topicFilterProblem } from '../../../kernel/topic.ts'

/** Who is asked, that is, how its answer is known. */
export type Style = 'mqtt5' | 'zigbee2mqtt' | 'shelly' | 'tasmota' | 'topic'

export interface Question {
  readonly topic: string
  readonly payload: Buffer
  /** Where the answer is said to come; undefined: as the style has it. */
  readonly replyTopic: string | undefined
  /** A member of the request that the answer repeats. */
  readonly echoed: string | undefined
}

/** What to send and which message is the answer. */
export interface RequestPlan {
  readonly style: Style
  readonly payload: Buffer
  readonly replyFilter: string
  /** MQTT 5 only. */
  readonly properties?: { readonly responseTopic: string; readonly correlationData: Buffer }
  /** `exactly`: it repeats something that only this request had; `topic`: it came where the answer comes. */
  readonly matchedBy: 'exactly' | 'topic'
  accepts(packet: IPublishPacket): boolean
}

type Json = Record<string, unknown>

const BRIDGE_REQUEST = /(^|\/)bridge\/request\//
const GET_OR_SET = /\/(?:get|set)$/
const COMMAND = /(?:^|\/)cmnd\//

/** The style that the topic speaks of; without a sign of one it is what the connection can do. */
export function styleOf({ topic, replyTopic, echoed }: Question, speaksMqtt5: boolean): Style {
  if (echoed !== undefined) return 'topic'
  if (BRIDGE_REQUEST.test(topic)) return 'zigbee2mqtt'
  if (/(?:^|\/)rpc$/.test(topic)) return 'shelly'
  if (COMMAND.test(topic)) return 'tasmota'
  if (replyTopic === undefined && /^zigbee2mqtt\/.+\/(?:get|set)$/.test(topic)) return 'zigbee2mqtt'
  return speaksMqtt5 ? 'mqtt5' : 'topic'
}

/** Throws Fault `invalid_input` when the style needs something that was not given. */
export function planRequest(style: Style, question: Question): RequestPlan {
  switch (style) {
    case 'mqtt5':
      return mqtt5(question)
    case 'zigbee2mqtt':
      return zigbee2mqtt(question)
    case 'shelly':
      return shelly(question)
    case 'tasmota':
      return tasmota(question)
    case 'topic':
      return byTopic(question)
  }
}

/** A topic that nobody else listens to or speaks on. */
const ownReplyTopic = () => `alicia-reply-${randomBytes(8).toString('hex')}`

/** MQTT 5 §4.10. An answer without correlation data is taken only where nobody else's could come. */
function mqtt5({ payload, replyTopic }: Question): RequestPlan {
  const correlationData = randomBytes(16)
  const responseTopic = replyTopic ?? ownReplyTopic()
  if (/[+#]/.test(responseTopic))
    throw new Fault(
      'invalid_input',
      'reply_topic: as an MQTT 5 response topic it must be one topic, without wildcards.',
      {
        hint: 'Use style topic to wait for any topic of a filter.',
      },
    )
  return {
    style: 'mqtt5',
    payload,
    replyFilter: responseTopic,
    properties: { responseTopic, correlationData },
    matchedBy: 'exactly',
    accepts: ({ properties }) =>
      properties?.correlationData === undefined
        ? replyTopic === undefined
        : correlationData.equals(properties.correlationData),
  }
}

/** Bridge requests carry a `transaction` that the response repeats; devices answer with their state. */
function zigbee2mqtt({ topic, payload, replyTopic }: Question): RequestPlan {
  const value = objectOf(payload)
  if (!BRIDGE_REQUEST.test(topic)) return first('zigbee2mqtt', payload, replyTopic ?? topic.replace(GET_OR_SET, ''))
  const replyFilter = replyTopic ?? topic.replace(BRIDGE_REQUEST, '$1bridge/response/')
  // The short form of a request, a bare id, has no room for one.
  if (value === undefined && payload.length > 0) return first('zigbee2mqtt', payload, replyFilter)
  const transaction = value?.['transaction'] ?? `alicia-${randomBytes(6).toString('hex')}`
  return {
    style: 'zigbee2mqtt',
    payload: Buffer.from(JSON.stringify({ ...value, transaction })),
    replyFilter,
    matchedBy: 'exactly',
    accepts: (packet) => objectOf(payloadOf(packet))?.['transaction'] === transaction,
  }
}

/** JSON-RPC over MQTT of Shelly's second generation: the answer comes to `<src>/rpc` with the request's id. */
function shelly({ payload, replyTopic }: Question): RequestPlan {
  const value = objectOf(payload)
  if (typeof value?.['method'] !== 'string')
    throw new Fault('invalid_input', 'payload: a Shelly RPC request is an object with a method.', {
      hint: 'For example {"method": "Shelly.GetStatus"}; id and src are filled in.',
    })
  const src = typeof value['src'] === 'string' ? value['src'] : ownReplyTopic()
  const id = value['id'] ?? randomBytes(4).readUInt32BE() % 1_000_000
  return {
    style: 'shelly',
    payload: Buffer.from(JSON.stringify({ ...value, id, src })),
    replyFilter: replyTopic ?? `${src}/rpc`,
    matchedBy: 'exactly',
    accepts(packet) {
      const reply = objectOf(payloadOf(packet))
      return reply?.['id'] === id && reply['method'] === undefined
    },
  }
}

/** `cmnd/plug/Power` is answered on `stat/plug/RESULT`, `Status 5` on `stat/plug/STATUS5`; nothing is repeated. */
function tasmota({ topic, payload, replyTopic }: Question): RequestPlan {
  const levels = topic.split('/')
  const command = levels.pop() ?? ''
  levels[levels.lastIndexOf('cmnd')] = 'stat'
  const answers = /^status$/i.test(command) ? /\/(?:STATUS\d*|RESULT)$/ : /\/RESULT$/
  const plan = first('tasmota', payload, replyTopic ?? `${levels.join('/')}/+`)
  return {
    ...plan,
    accepts: (packet) => plan.accepts(packet) && (replyTopic !== undefined || answers.test(packet.topic)),
  }
}

function byTopic({ payload, replyTopic, echoed }: Question): RequestPlan {
  if (replyTopic === undefined)
    throw new Fault('invalid_input', 'reply_topic: it is not known where the answer would come.', {
      hint: 'Give the topic (or filter) of the answer; only MQTT 5 responders, Zigbee2MQTT, Shelly and Tasmota do without.',
    })
  const problem = topicFilterProblem(replyTopic)
  if (problem !== undefined) throw new Fault('invalid_input', `reply_topic: it ${problem}.`)
  const plan = first('topic', payload, replyTopic)
  if (echoed === undefined) return plan
  const value = objectOf(payload)
  if (value?.[echoed] === undefined)
    throw new Fault('invalid_input', `echoed_member: the payload has no member ${echoed} that the answer could repeat.`)
  const wanted = JSON.stringify(value[echoed])
  return {
    ...plan,
    matchedBy: 'exactly',
    accepts: (packet) => JSON.stringify(objectOf(payloadOf(packet))?.[echoed]) === wanted,
  }
}

/** The first message that was not there before. */
const first = (style: Style, payload: Buffer, replyFilter: string): RequestPlan => ({
  style,
  payload,
  replyFilter,
  matchedBy: 'topic',
  accepts: ({ retain }) => !retain,
})

/** An answer is no longer than this, bytes; what is longer is not looked into. */
const LONGEST_BYTES = 4_194_304

function objectOf(payload: Buffer): Json | undefined {
  if (payload.length > LONGEST_BYTES) return undefined
  try {
    const value: unknown = JSON.parse(payload.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
  } catch {
    return undefined
  }
}
