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
    const bytes = Buffer.from(text)
    let answer = ''
    let sentMs = 0
    const send = () => {
      answer = ''
      sentMs = performance.now()
      socket.write(bytes)
    }
    const take = (read: number) => {
      answer += room.toString('latin1', 0, read)
      if (!isWhole(answer)) return true
      const nowMs = performance.now()
      waitsMs.push(nowMs - sentMs)
      if (!answer.startsWith('HTTP/1.1 200') || !answer.includes(expect)) socket.destroy(new Error(answer))
      else if (nowMs >= untilMs) socket.end()
      else send()
      return true
    }
    // Into one buffer and past the stream: nothing is made of what is read but its text.
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: room, callback: take } })
    socket.on('connect', send)
    socket.on('error', reject)
    socket.on('close', resolve)
  })
}

/** What one socket has read; it is text before another reads. */
const room = Buffer.alloc(64 * 1024)

const HEAD_END = '\r\n\r\n'

function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf(HEAD_END)
  if (headEnd === -1) return false
  const length = lengthIn(answer.slice(0, headEnd + 2))
  return length === undefined ? answer.endsWith(`0${HEAD_END}`) : answer.length >= headEnd + HEAD_END.length + length
}

/** As servers write it; searching for one text is quicker than a pattern. */
const LENGTHS = ['\r\ncontent-length: ', '\r\nContent-Length: ']

function lengthIn(head: string): number | undefined {
  for (const name of LENGTHS) {
    const at = head.indexOf(name)
    if (at !== -1) return Number(head.slice(at + name.length, head.indexOf('\r', at + name.length)))
  }
  return undefined
}
