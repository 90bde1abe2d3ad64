import type { Socket } from 'node:net'
import type { Refusals } from '../../kernel/refusals.ts'
import type { Connections } from './connections.ts'

interface Answer {
  readonly status: string
  readonly limit?: 'slow_request' | 'header_bytes'
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', limit: 'header_bytes' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: '413 Content Too Large', limit: 'header_bytes' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', limit: 'slow_request' },
}

/** What broke off, came too slowly or is no HTTP: said in one line, and the connection ends. */
export function brokenRequestListener(connections: Connections, refusals: Refusals) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    const { status, limit }: Answer = ANSWERS[error.code ?? ''] ?? { status: '400 Bad Request' }
    if (limit) refusals.note(limit, socket.remoteAddress)
    if (!socket.writable || error.code === 'ECONNRESET' || connections.isAnswering(socket)) return void socket.destroy()
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
  }
}
