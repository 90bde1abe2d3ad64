import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** The system gives a port that was let go to whoever asks next: one time in some thousands. */
const given = new Set<number>()

/** A port that is free at the moment, another one each time. */
export async function anyFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  if (given.has(port)) return anyFreePort()
  given.add(port)
  return port
}
