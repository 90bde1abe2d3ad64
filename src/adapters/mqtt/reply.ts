import { problemDetails, type Fault, type FaultCode } from '../../kernel/fault.ts'
import type { BusProperties, PublishOptions } from '../../kernel/ports.ts'
import type { Progress } from '../../kernel/tool.ts'
import type { ReplyTo } from './request.ts'

/** How a call ended, ready to be sent to everyone who asked for it. */
export interface Answer {
  readonly status: 'ok' | FaultCode
  readonly json: string
}

/** A message to publish. */
export interface Reply {
  readonly topic: string
  readonly payload: string
  readonly options: PublishOptions
}

/** Where a reply goes, with what holds for each of its messages. */
export interface ReplyRoute {
  readonly to: Exclude<ReplyTo, { form: 'none' }>
  readonly qos: 0 | 1 | 2
  /** Seconds after which nobody needs the reply any more. */
  readonly expirySeconds: number
}

/** An operation without a result answers `null`, which JSON can say. */
export const answerOf = (output: unknown): Answer => ({ status: 'ok', json: JSON.stringify(output ?? null) })

/** A fault as problem details (RFC 9457), like those of the REST interface. */
export function faultAnswer(fault: Fault): Answer {
  return { status: fault.code, json: JSON.stringify(problemDetails(fault)) }
}

/** The answer; `seq` is given where progress was asked for, and marks the end of it. */
export function replyOf(route: ReplyRoute, answer: Answer, seq?: number): Reply {
  const marks = seq === undefined ? {} : { seq, final: true }
  const media = answer.status === 'ok' ? 'application/json' : 'application/problem+json'
  return message(route, { body: answer.json, key: 'body', media, marks: { status: answer.status, ...marks } })
}

/** News of a call that still runs. */
export function progressOf(route: ReplyRoute, progress: Progress, seq: number): Reply {
  const body = JSON.stringify(progress)
  return message(route, { body, key: 'progress', media: 'application/json', marks: { seq, final: false } })
}

interface Content {
  readonly body: string
  /** What the body is called in an envelope. */
  readonly key: 'body' | 'progress'
  readonly media: string
  readonly marks: Readonly<Record<string, string | number | boolean>>
}

function message({ to, qos, expirySeconds }: ReplyRoute, { body, key, media, marks }: Content): Reply {
  if (to.form === 'envelope') {
    const head = JSON.stringify({ id: to.id, ...marks })
    // The body is JSON already; taking it apart to put it in would cost as much as the call.
    return { topic: to.topic, payload: `${head.slice(0, -1)},"${key}":${body}}`, options: { qos } }
  }
  const properties: BusProperties = {
    ...(to.correlationData !== undefined && { correlationData: to.correlationData }),
    contentType: media,
    messageExpiryInterval: expirySeconds,
    userProperties: Object.fromEntries(Object.entries(marks).map(([name, value]) => [name, String(value)])),
  }
  return { topic: to.topic, payload: body, options: { qos, properties } }
}
