import { connect } from 'node:net'
import process from 'node:process'
import { median, quantile } from './statistics.ts'
import type { LoadJob, LoadResult } from './load.ts'

/**
 * A client that costs as little as it can, and the same whatever server it asks: bytes made beforehand, one request at
 * a time on each connection, the answer looked at no further than its end, its status and a word that must be in it.
 */
process.on('message', async (job: LoadJob) => {
  process.send?.(await load(job))
})
process.send?.('ready')

async function load({ port, requests, expect, durationMs }: LoadJob): Promise<LoadResult> {
  const startMs = performance.now()
  const cpu = process.cpuUsage()
  const waitsMs = requests.map(() => [] as number[])
  await Promise.all(
    requests.map((text, at) => drive({ port, text, expect, untilMs: startMs + durationMs }, waitsMs[at])),
  )
  const seconds = (performance.now() - startMs) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const all = waitsMs.flat()
  return {
    callsPerSecond: all.length / seconds,
    p50Us: median(all) * 1000,
    p99Us: quantile(all, 0.99) * 1000,
    clientCpu: (user + system) / 1e6 / seconds,
  }
}

interface Drive {
  readonly port: number
  readonly text: string
  readonly expect: string
  readonly untilMs: number
}

function drive({ port, text, expect, untilMs }: Drive, waitsMs: number[] = []): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const bytes = Buffer.from(text)
    let answer = ''
    let sentMs = 0
    const send = () => {
      answer = ''
      sentMs = performance.now()
      socket.write(bytes)
    }
    socket.setEncoding('latin1')
    socket.on('connect', send)
    socket.on('data', (chunk: string) => {
      answer += chunk
      if (!isWhole(answer)) return
      const nowMs = performance.now()
      waitsMs.push(nowMs - sentMs)
      if (!answer.startsWith('HTTP/1.1 200') || !answer.includes(expect)) socket.destroy(new Error(answer))
      else if (nowMs >= untilMs) socket.end()
      else send()
    })
    socket.on('error', reject)
    socket.on('close', resolve)
  })
}

function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd === -1) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1]
  return length === undefined ? answer.endsWith('0\r\n\r\n') : answer.length >= headEnd + 4 + Number(length)
}
