import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { endClient, openClient } from './client.ts'

test('a device leaves, though the broker does not confirm what it said last', async (t) => {
  const taken = Promise.withResolvers<Socket>()
  // Lets everybody in, and confirms nothing.
  const broker = createServer((socket) => {
    socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 0])))
    taken.resolve(socket.on('error', () => undefined).resume())
  }).listen(0, '127.0.0.1')
  await once(broker, 'listening')
  t.after(() => void broker.close())
  const url = `mqtt://127.0.0.1:${(broker.address() as AddressInfo).port}`
  const client = await openClient(
    { broker: { url, login: () => undefined }, clientId: 'lamp', signal: t.signal },
    () => undefined,
  )
  const socket = await taken.promise
  const closed = once(socket, 'close')
  client.publish('a', 'x', { qos: 1 }, () => undefined)
  await endClient(client)
  await closed
})
