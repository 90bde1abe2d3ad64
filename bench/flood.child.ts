import { connect, type Socket } from 'node:net'
import process from 'node:process'
import type { FloodJob, FloodResult } from './flood.ts'

/** Sends at an even rate, whether or not the other side keeps up, and looks at no more of an answer than its status. */
process.on('message', async (job: FloodJob) => {
  process.send?.(await flood(job))
})
process.send?.('ready')

const TICK_MS = 1
const CONNECTIONS = 50

async function flood({ port, requests, perSecond, durationMs }: FloodJob): Promise<FloodResult> {
  const statuses: Record<string, number> = {}
  let sent = 0
  const idle: Socket[] = []
  const sockets = Array.from({ length: CONNECTIONS }, () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => void idle.push(socket))
    socket.setEncoding('latin1').on('error', () => undefined)
    socket.on('data', (text: string) => {
      const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1]
      if (status === undefined) return
      statuses[status] = (statuses[status] ?? 0) + 1
      idle.push(socket)
    })
    return socket
  })
  const startMs = performance.now()
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const passedMs = performance.now() - startMs
      for (let due = Math.floor((passedMs * perSecond) / 1000) - sent; due > 0; due--) {
        idle.shift()?.write(requests[sent % requests.length] ?? '')
        sent++
      }
      if (passedMs < durationMs) return
      clearInterval(timer)
      resolve()
    }, TICK_MS)
  })
  for (const socket of sockets) socket.destroy()
  return { statuses, perSecond: Object.values(statuses).reduce((sum, count) => sum + count, 0) / (durationMs / 1000) }
}
