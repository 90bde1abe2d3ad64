import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** A request as a test's server noted it. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly params: URLSearchParams
  readonly authorization: string | undefined
  readonly body: string
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export async function readRequest(request: IncomingMessage): Promise<SeenRequest> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const body = Buffer.concat(await request.toArray()).toString()
  return {
    method: request.method ?? '',
    path: url.pathname,
    params: request.method === 'POST' ? new URLSearchParams(body) : url.searchParams,
    authorization: request.headers.authorization,
    body,
  }
}

/** Serves on a free port of loopback until the test ends; returns the origin. */
export async function listen(
  test: Pick<TestContext, 'after'>,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<string> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
