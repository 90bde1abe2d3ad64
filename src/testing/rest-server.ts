import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TestContext } from 'node:test'
import { getRequestListener } from '@hono/node-server'
import { createAddressOf } from '../adapters/http/client-address.ts'
import { createAuthenticate } from '../adapters/http/authenticate.ts'
import { problemResponse } from '../adapters/http/problem.ts'
import { createRest } from '../adapters/rest/rest.ts'
import { createIdentity } from '../kernel/identity.ts'
import { silentLog } from '../kernel/log.ts'
import type { Tool } from '../kernel/tool.ts'
import { testDoor } from './hub.ts'

export const OWNER_TOKEN = 'the-token-of-the-owner'

export interface RestServer {
  readonly url: string
  /** Takes over upgrade requests; without it they are refused. */
  onUpgrade(take: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): void
  stop(): void
}

/** The REST adapter over the kernel around some tools, on a free port of loopback; ends with the test. */
export async function restServer(test: Pick<TestContext, 'after'>, tools: readonly Tool[]): Promise<RestServer> {
  const { registry, invoke } = testDoor(tools)
  const rest = createRest({
    registry,
    invoke,
    log: silentLog,
    version: '0.0.0',
    authenticate: createAuthenticate(createIdentity(OWNER_TOKEN)),
    readJson: (request) => request.json(),
    problem: problemResponse,
    addressOf: createAddressOf(() => false),
    metrics: () => Promise.resolve(''),
  })
  const server = createServer(getRequestListener((request) => rest(request)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  test.after(stop)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    onUpgrade: (take) => void server.on('upgrade', take),
    stop,
  }
}
