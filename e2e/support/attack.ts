/**
 * A client that means ill, in a process of its own: `node attack.ts <port> <kind> <sockets>`, with a token in TOKEN. It keeps that many sockets open
 * at a time until its input ends, opens another for each that the hub closes, and says on a line each how it stands.
 */
import { connect, type Socket } from 'node:net'
import process from 'node:process'

const [port, kind = 'silent', most] = process.argv.slice(2)

const HEAD = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
const TRICKLE_MS = 1000
/** Openings in one turn: what waits for the hub's answer to a handshake is bounded by the machine. */
const AT_ONCE = 200

/** What a socket sends first, and what it goes on sending. */
const KINDS: Readonly<Record<string, { first: string; trickle: string }>> = {
  silent: { first: '', trickle: '' },
  headers: { first: 'GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ', trickle: 'a' },
  body: { first: `${HEAD}Content-Length: 1000000\r\n\r\n{`, trickle: ' ' },
  pipeline: { first: 'GET /problems/internal HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(300), trickle: '' },
  'large-headers': { first: `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(30_000)}`, trickle: 'a' },
  bomb: {
    first: `${HEAD}Authorization: Bearer ${process.env['TOKEN']}\r\nTransfer-Encoding: chunked\r\n\r\n${`10000\r\n${'['.repeat(0x10000)}\r\n`.repeat(100)}`,
    trickle: '',
  },
  tokens: { first: `${HEAD}Authorization: Bearer wrong\r\nContent-Length: 2\r\n\r\n{}`.repeat(10), trickle: '' },
}

const { first, trickle } = KINDS[kind] ?? { first: '', trickle: '' }
const open = new Set<Socket>()
const seen = { opened: 0, closed: 0 }

function fill(): void {
  for (let count = 0; count < AT_ONCE && open.size < Number(most); count++) {
    const socket = connect(Number(port), '127.0.0.1', () => {
      seen.opened++
      socket.write(first)
    })
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      open.delete(socket)
      seen.closed++
    })
    socket.resume()
  }
}

setInterval(fill, 10)
setInterval(() => {
  for (const socket of open) if (trickle !== '' && socket.writable) socket.write(trickle)
  process.stdout.write(`${JSON.stringify({ ...seen, open: open.size })}\n`)
}, TRICKLE_MS / 5)
process.stdin.on('end', () => process.exit()).resume()
