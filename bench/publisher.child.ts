import process from 'node:process'
import { connectOwner } from './mqtt.ts'
import type { PublishJob, PublishResult } from './firehose.ts'

/** Publishes as fast as the broker takes it: at QoS 0 as the socket drains, at QoS 1 with so many unconfirmed. */
const [port = '', token = ''] = process.argv.slice(2)
const client = await connectOwner({ mqttPort: Number(port), token })
const MOST_UNCONFIRMED = 100

process.on('message', async (job: PublishJob) => {
  process.send?.(await publish(job))
})
process.send?.({ seconds: 0 } satisfies PublishResult)

async function publish({ topic, count, qos }: PublishJob): Promise<PublishResult> {
  const startMs = performance.now()
  let next = 0
  const one = async () => {
    while (next < count) {
      const number = next++
      await client.publishAsync(`${topic}/${number % 100}`, payload(number), { qos })
    }
  }
  await Promise.all(Array.from({ length: MOST_UNCONFIRMED }, one))
  return { seconds: (performance.now() - startMs) / 1000 }
}

/** About 100 bytes, as a sensor sends them. */
const payload = (number: number) =>
  JSON.stringify({
    number,
    temperature: 20 + (number % 50) / 10,
    humidity: 40 + (number % 20),
    battery: 87,
    note: 'x'.repeat(20),
  })
