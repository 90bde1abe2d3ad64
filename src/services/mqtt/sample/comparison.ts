import type { IPublishPacket } from 'mqtt'
import { heldClock } from '../../../kernel/clock.ts'
import { messageOf, type Received } from '../message.ts'
import { answerOf } from './answer.ts'
import { recordHome, type Recording } from './recording.ts'
import { createSampler } from './sampler.ts'
import { pickEvenly } from './spread.ts'

/** What a reader of one answer knows of the ten minutes. */
export interface Outcome {
  readonly errors: number
  readonly devices: number
  readonly changes: number
  readonly statesRight: number
  readonly tokens: number
}

/** The same recording through a plain collector and through the sampler, held against what really happened. */
export function compare(countTokens: (text: string) => number) {
  const recording = recordHome()
  const received = recording.messages.map(receivedOf)
  const { truth } = recording
  const raw = received.reduce((sum, each) => sum + countTokens(JSON.stringify(messageOf(each, 16_384))), 0)
  return {
    truth: {
      messages: received.length,
      errors: truth.errors.length,
      devices: truth.devices.length,
      changes: truth.changes.length,
      states: truth.finals.size,
    },
    plain: outcomeOfPlain(received, recording, countTokens),
    ours: outcomeOfOurs(received, recording, countTokens),
    raw,
  }
}

function receivedOf({ topic, payload, retained, atMs }: Recording['messages'][number]): Received {
  const packet: IPublishPacket = {
    cmd: 'publish',
    topic,
    payload: Buffer.from(payload),
    qos: 0,
    retain: retained,
    dup: false,
  }
  return { packet, atMs }
}

const FIRST = 500
const PRUNED = 50
const ERROR_WORDS = /error|fail|offline/i

/** As such tools do: it stops at 500 messages, keeps what has an error's words, and an even spread of the others. */
function outcomeOfPlain(
  all: readonly Received[],
  { truth }: Recording,
  countTokens: (text: string) => number,
): Outcome {
  const messages = all.slice(0, FIRST).map((each) => ({ at: each.atMs, ...messageOf(each, 16_384) }))
  const errors = messages.filter(({ payload }) => ERROR_WORDS.test(JSON.stringify(payload))).slice(0, PRUNED)
  const others = messages.filter((message) => !errors.includes(message))
  const kept = [...errors, ...pickEvenly(others, PRUNED - errors.length)].sort((a, b) => a.at - b.at)
  const text = JSON.stringify(kept)
  const told = (device: string) => kept.filter(({ topic }) => topic === `zigbee2mqtt/${device}`)
  const last = (device: string) => JSON.stringify(told(device).at(-1)?.payload ?? {})
  return {
    errors: truth.errors.filter((error) => text.includes(error)).length,
    devices: truth.devices.filter((device) => told(device).length > 0).length,
    // A change can be told where the message of its moment is there.
    changes: truth.changes.filter(({ device, atMs }) => told(device).some(({ at }) => at === atMs)).length,
    statesRight: [...truth.finals].filter(([device, state]) => hasState(last(device), state)).length,
    tokens: countTokens(text),
  }
}

const hasState = (json: string, state: string) =>
  new RegExp(`"(?:state|occupancy|contact)":"?${state}"?[,}]`).test(json)

function outcomeOfOurs(all: readonly Received[], { truth }: Recording, countTokens: (text: string) => number): Outcome {
  const startMs = all[0]?.atMs ?? 0
  const clock = heldClock(startMs)
  const sampler = createSampler({ clock, maxMessages: PRUNED, maxPayloadBytes: 16_384, maxBytes: 64 * 1024 * 1024 })
  for (const { packet, atMs } of all) {
    clock.advance(atMs - clock.now())
    sampler.accept(packet)
  }
  sampler.finish()
  const answer = answerOf(sampler, {
    maxMessages: PRUNED,
    maxTokens: 4000,
    maxPayloadBytes: 16_384,
    detail: 'compact',
    startMs,
    nowMs: clock.now(),
  })
  const text = JSON.stringify(answer)
  const { devices = [], changes = [] } = answer
  const second = (atMs: number) => Math.round((atMs - startMs) / 1000)
  const lineOf = (device: string) => devices.find((line) => line.startsWith(`${device.replaceAll('_', ' ')}:`)) ?? ''
  return {
    errors: truth.errors.filter((error) => text.includes(error)).length,
    devices: truth.devices.filter((device) => lineOf(device) !== '').length,
    changes: truth.changes.filter(({ device, value, atMs }) =>
      changes.some(
        (line) => line.startsWith(device) && new RegExp(`\\b${value} \\+${second(atMs)}\\b`, 'i').test(line),
      ),
    ).length,
    statesRight: [...truth.finals].filter(([device, state]) => WORDS[state]?.test(lineOf(device))).length,
    tokens: countTokens(text),
  }
}

/** How the words of a device line say a state. */
const WORDS: Readonly<Record<string, RegExp>> = {
  ON: /: on\b/,
  OFF: /: off\b/,
  true: /: (?:motion|closed)\b/,
  false: /: (?:no motion|open)\b/,
}
