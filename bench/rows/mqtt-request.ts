import { startChild } from '../child.ts'
import { startHub } from '../hub.ts'
import { connectOwner, requester, type Ask } from '../mqtt.ts'
import type { Row } from '../row.ts'
import { median, quantile } from '../statistics.ts'

const MOST_P50_MS = 0.5
const WARM_UP = 2000
const ROUNDS = 7
const ROUND = 400
/** Where the bare client listens; nobody but the hub writes below `alicia/v1/rep`. */
const PLAIN_TOPIC = 'bench/plain'

export const mqttRequest: readonly Row[] = (['embedded', 'mosquitto'] as const).map((broker) => ({
  tags: ['mqtt', 'request', broker],
  name: `MQTT request/response of ping, QoS 1, ${broker}, p50`,
  limit: `≤ ${MOST_P50_MS} ms`,
  async run() {
    await using hub = await startHub({ broker })
    await using _responder = await startChild(new URL('../responder.child.ts', import.meta.url), [
      String(hub.mqttPort),
      hub.token,
      PLAIN_TOPIC,
    ])
    const client = await connectOwner(hub)
    const askHub = await requester(client, 'alicia/v1/req/mqtt/ping', 'alicia/v1/rep/bench')
    await timesMs(askHub, WARM_UP)
    const rounds: { hub: number[]; plain: number[] }[] = []
    // A client of its own: each takes every message that comes as the answer to its question.
    const plainClient = await connectOwner(hub)
    const askPlain = await requester(plainClient, PLAIN_TOPIC, 'bench/plain-reply')
    await timesMs(askPlain, WARM_UP / 2)
    while (rounds.length < ROUNDS)
      rounds.push({ plain: await timesMs(askPlain, ROUND), hub: await timesMs(askHub, ROUND) })
    await Promise.all([client.endAsync(), plainClient.endAsync()])
    const p50Ms = median(rounds.map((round) => median(round.hub)))
    const plainMs = median(rounds.map((round) => median(round.plain)))
    return {
      measured: `${p50Ms.toFixed(2)} ms`,
      reference: `a bare client answers in ${plainMs.toFixed(2)} ms`,
      ok: p50Ms <= MOST_P50_MS,
      figures: {
        p50_ms: p50Ms,
        p99_ms: quantile(
          rounds.flatMap((round) => round.hub),
          0.99,
        ),
        plain_p50_ms: plainMs,
      },
    }
  },
}))

async function timesMs(ask: Ask, count: number): Promise<number[]> {
  const times: number[] = []
  while (times.length < count) {
    const startMs = performance.now()
    const answer = await ask()
    times.push(performance.now() - startMs)
    if (!answer.includes('"pong":true')) throw new Error(`Not the answer to a ping: ${answer.toString()}`)
  }
  return times
}
