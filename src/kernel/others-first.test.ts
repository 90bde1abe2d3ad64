import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { othersFirst } from './others-first.ts'

test('what came while something was refused is heard before the refusal', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const refused = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = (await once(server, 'connection')) as [Socket]
  const other = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [otherAccepted] = (await once(server, 'connection')) as [Socket]
  t.after(() => {
    for (const socket of [refused, other, accepted, otherAccepted]) socket.destroy()
    server.close()
  })
  const order: string[] = []
  const done = Promise.withResolvers<void>()
  otherAccepted.on('data', () => order.push('heard'))
  accepted.on('data', () => {
    // It takes a while to find out that it is refused; somebody else asks meanwhile.
    other.write('x')
    const untilMs = performance.now() + 20
    while (performance.now() < untilMs);
    void othersFirst().then(() => {
      order.push('refused')
      done.resolve()
    })
  })
  refused.write('x')
  await done.promise
  assert.deepEqual(order, ['heard', 'refused'])
})
