import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { connectAsync } from 'mqtt'
import { disconnect } from './bus-protocol.ts'

test('a connection ends, though the broker does not confirm what was sent', async (t) => {
  const taken = Promise.withResolvers<Socket>()
  // Lets everybody in, and confirms nothing.
  const broker = createServer((socket) => {
    socket.once('data', () => socket.write(Buffer.from([0x20, 3, 0, 0, 0])))
    taken.resolve(socket.on('error', () => undefined).resume())
  }).listen(0, '127.0.0.1')
  await once(broker, 'listening')
  t.after(() => void broker.close())
  const url = `mqtt://127.0.0.1:${(broker.address() as AddressInfo).port}`
  const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 })
  client.on('error', () => undefined)
  const socket = await taken.promise
  const closed = once(socket, 'close')
  client.publish('a', 'x', { qos: 1 }, () => undefined)
  await disconnect(client)
  await closed
})
