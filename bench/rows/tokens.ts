import { readFileSync } from 'node:fs'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import type { IPublishPacket } from 'mqtt'
import { messageOf } from '../../src/services/mqtt/message.ts'
import { answerOf } from '../../src/services/mqtt/sample/answer.ts'
import { createSampler } from '../../src/services/mqtt/sample/sampler.ts'
import { stillClock } from '../home-packets.ts'
import type { Row } from '../row.ts'

interface FixtureLine {
  topic: string
  payload?: string
  payload_base64?: string
  qos: 0 | 1 | 2
  retain: boolean
}

const MOST_BYTES = 16_384

/** The fixture recording: messages of every device family, and some that are meant to do harm. */
function fixturePackets(): IPublishPacket[] {
  const file = new URL('../../src/services/mqtt/fixtures/synthetic-messages.jsonl', import.meta.url)
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { topic, payload, payload_base64: base64 = '', qos, retain } = JSON.parse(line) as FixtureLine
      const bytes = payload === undefined ? Buffer.from(base64, 'base64') : Buffer.from(payload)
      return { cmd: 'publish', topic, payload: bytes, qos, retain, dup: false }
    })
}

export const fixtureTokens: Row = {
  tags: ['mqtt', 'sampler', 'tokens'],
  name: 'tokens of the fixture recording, as one answer',
  limit: '–',
  run() {
    const packets = fixturePackets()
    const raw = packets
      .map((packet) => messageOf({ packet, atMs: stillClock.now() }, MOST_BYTES))
      .reduce((sum, message) => sum + countTokens(JSON.stringify(message)), 0)
    const sampler = createSampler({
      clock: stillClock,
      maxMessages: 50,
      maxPayloadBytes: MOST_BYTES,
      maxBytes: 64 * 1024 * 1024,
    })
    for (const packet of packets) sampler.accept(packet)
    sampler.finish()
    const answer = answerOf(sampler, {
      maxMessages: 50,
      maxTokens: 4000,
      maxPayloadBytes: MOST_BYTES,
      detail: 'compact',
      startMs: stillClock.now(),
      nowMs: stillClock.now(),
    })
    const ours = countTokens(JSON.stringify(answer))
    return Promise.resolve({
      measured: `${ours} tokens`,
      reference: `${packets.length} messages as JSON: ${raw}`,
      figures: { tokens: ours, raw_tokens: raw },
    })
  },
}
