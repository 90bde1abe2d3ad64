import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchHub } from './hub.ts'
import { closeSession, openSession, post, sessionCall } from './mcp.ts'
import { connectOwner, requester } from './mqtt.ts'

/** Some of everything, at a rate that stays the same. */
export interface MixedLoad extends AsyncDisposable {
  /** Runs for so long, then until the last answer is here. Resolves with the number of calls. */
  run(durationMs: number): Promise<number>
}

const BEAT_MS = 100
const REST_CALLS = 15
const MQTT_CALLS = 5
/** A collection begins with every such beat, and takes a second. */
const COLLECT_EVERY = 20

export async function startMixedLoad(hub: BenchHub): Promise<MixedLoad> {
  const client = await connectOwner(hub)
  const ask = await requester(client, 'alicia/v1/req/mqtt/ping', 'alicia/v1/rep/bench')
  const rest = async (operation: string, input: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${hub.httpUrl}/api/mqtt/${operation}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${hub.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
    if (!response.ok) throw new Error(`${operation} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Record<string, unknown>
  }
  const { session_id } = await rest('establish_connection', { max_publishes_per_minute: 60_000 })

  const session = async (): Promise<number> => {
    const headers = await openSession(hub)
    await (await post(hub, sessionCall(headers, 1, 'ping'))).text()
    await closeSession(hub, headers)
    return 1
  }
  const mqtt = async (): Promise<number> => {
    for (let count = 0; count < MQTT_CALLS; count++) await ask()
    return MQTT_CALLS
  }
  const beat = async (number: number): Promise<number> => {
    const calls = Array.from({ length: REST_CALLS }, () => rest('ping', {}))
    const message = { session_id, topic: `bench/soak/${number % 100}`, payload: { number }, qos: 1 }
    const [overMqtt, overMcp] = await Promise.all([mqtt(), session(), rest('publish_message', message), ...calls])
    return overMqtt + overMcp + 1 + calls.length
  }
  const collect = async (): Promise<number> => {
    await rest('subscribe_and_collect', { session_id, topic: 'bench/soak/#', duration: 1 })
    return 1
  }

  let number = 0
  return {
    async run(durationMs) {
      const untilMs = performance.now() + durationMs
      const collections: Promise<number>[] = []
      let calls = 0
      while (performance.now() < untilMs) {
        if (number % COLLECT_EVERY === 0) collections.push(collect())
        // A hub that is slower than the beat sets the beat: the requests over MQTT take turns.
        const [made] = await Promise.all([beat(number++), sleep(BEAT_MS)])
        calls += made
      }
      return (await Promise.all(collections)).length + calls
    },
    [Symbol.asyncDispose]: () => client.endAsync(),
  }
}
