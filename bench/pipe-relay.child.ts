import { spawn } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/**
 * The simplest relay there can be: node:http on one side, the echo server's pipe on the other, ids rewritten so that
 * two clients' requests are told apart, and nothing else: no identity, limits, metrics, audit, health or time-outs.
 */
const ECHO = fileURLToPath(new URL('../src/testing/echo-server.ts', import.meta.url))
const upstream = spawn(process.execPath, [ECHO], { stdio: ['pipe', 'pipe', 'inherit'] })
const waiting = new Map<number, { id: unknown; response: ServerResponse }>()
let count = 0
let rest = ''

upstream.stdout.setEncoding('utf8').on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    const message = JSON.parse(line) as { id: number }
    const place = waiting.get(message.id)
    if (!place) continue
    waiting.delete(message.id)
    const answer = JSON.stringify({ ...message, id: place.id })
    place.response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(answer),
    })
    place.response.end(answer)
  }
})

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const message = JSON.parse(Buffer.concat(chunks).toString()) as { id: unknown }
    const id = ++count
    waiting.set(id, { id: message.id, response })
    upstream.stdin.write(`${JSON.stringify({ ...message, id })}\n`)
  })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => upstream.kill())
process.on('exit', () => upstream.kill())
process.on('SIGTERM', () => process.exit(0))
