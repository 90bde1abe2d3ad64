import { once } from 'node:events'
import { WebSocket } from 'ws'
import { z } from 'zod'
import type { BenchHub } from './hub.ts'

/** What a hub started with this argument of Node's can be asked through its inspector. */
export const INSPECTED = '--inspect=127.0.0.1:0'

export interface MemorySample {
  readonly residentMb: number
  /** What is left on the JavaScript heap after a full collection. */
  readonly heapMb: number
}

const MB = 1024 * 1024
const Usage = z.object({ result: z.object({ value: z.object({ rss: z.number(), heapUsed: z.number() }) }) })

/** Collects garbage in the hub, then asks for its memory. */
export async function sampleMemory(hub: BenchHub): Promise<MemorySample> {
  const url = /ws:\/\/\S+/.exec(hub.log())?.[0]
  if (url === undefined) throw new Error(`The hub was not started with ${INSPECTED}.`)
  const socket = new WebSocket(url)
  await once(socket, 'open')
  const command = async (method: string, params: object = {}): Promise<unknown> => {
    socket.send(JSON.stringify({ id: 1, method, params }))
    const [answer] = (await once(socket, 'message')) as [Buffer]
    return (JSON.parse(answer.toString()) as { result: unknown }).result
  }
  try {
    // Finalizers run between the two; what they let go of goes with the second.
    await command('HeapProfiler.collectGarbage')
    await command('HeapProfiler.collectGarbage')
    const expression = 'process.memoryUsage()'
    const { value } = Usage.parse(await command('Runtime.evaluate', { expression, returnByValue: true })).result
    return { residentMb: value.rss / MB, heapMb: value.heapUsed / MB }
  } finally {
    socket.close()
  }
}
