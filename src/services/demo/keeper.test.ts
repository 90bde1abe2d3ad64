import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { startEmbeddedBroker } from '../../engines/broker/embedded.ts'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { startKeeper } from './keeper.ts'

test('the book is closed, though the broker hangs before all is cleared', async (t) => {
  const options = { host: '127.0.0.1', port: 0, file: ':memory:', ownerToken: 'x', users: [], log: silentLog }
  const broker = await startEmbeddedBroker({ ...options, anonymous: false })
  t.after(() => broker.stop())
  let hangs = false
  const wire = createServer((near) => {
    const far = connect(Number(new URL(broker.url).port), '127.0.0.1')
    near.on('error', () => undefined).pipe(far.on('error', () => undefined))
    far.on('data', (chunk) => hangs || near.write(chunk)).on('close', () => near.destroy())
  }).listen(0, '127.0.0.1')
  await once(wire, 'listening')
  t.after(() => void wire.close())
  const clock = heldClock()
  const url = `mqtt://127.0.0.1:${(wire.address() as AddressInfo).port}`
  const keeper = await startKeeper({ broker: { ...broker, url }, clock, signal: t.signal })
  keeper.note('zigbee2mqtt/lamp')
  hangs = true
  const stopping = keeper.stop()
  clock.advance(1000)
  await stopping
})
