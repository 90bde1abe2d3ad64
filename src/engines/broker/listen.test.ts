import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import type { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import { PEOPLE } from './access.cases.ts'
import { startEmbeddedBroker } from './embedded.ts'
import { brokerUrl, freePort } from './listen.ts'
import { answersMqtt } from './probe.ts'

const start = (port: number, webSocketPort?: number) =>
  startEmbeddedBroker({
    host: '127.0.0.1',
    port,
    ...(webSocketPort !== undefined && { webSocketPort }),
    file: ':memory:',
    log: silentLog,
    ...PEOPLE,
  })

/** A server that is no broker. */
async function deaf(
  t: TestContext,
  onConnection: Parameters<typeof createServer>[1] = (socket) => socket.end('HTTP/1.1 400 \r\n\r\n'),
) {
  const server = createServer(onConnection).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  return (server.address() as AddressInfo).port
}

const conflict = (port: number, hint: RegExp) => (fault: Fault) => {
  assert.equal(fault.code, 'conflict')
  assert.match(fault.message, new RegExp(`port ${port} on 127.0.0.1 is taken`))
  assert.match(fault.hint ?? '', hint)
  return true
}

suite('a taken MQTT port', () => {
  test('names the broker that has it, and both ways on', async (t) => {
    const first = await start(0)
    t.after(() => first.stop())
    const port = Number(new URL(first.url).port)
    await assert.rejects(
      start(port),
      conflict(port, new RegExp(`ALICIA_BROKER_URL=mqtt://127.0.0.1:${port}.*--mqtt-port`)),
    )
  })
  test('says so when it is no broker', async (t) => {
    const port = await deaf(t)
    await assert.rejects(start(port), conflict(port, /^Choose another port with --mqtt-port\.$/))
  })
  test('is as much a conflict for WebSocket, and the other port is free again', async (t) => {
    const port = await deaf(t)
    const free = await deaf(t)
    await assert.rejects(start(0, free), conflict(free, /./))
    await assert.rejects(start(0, port), conflict(port, /./))
  })
  test('a host that is not of this machine is a fault', async () => {
    const elsewhere = startEmbeddedBroker({ host: '192.0.2.1', port: 0, file: ':memory:', log: silentLog, ...PEOPLE })
    await assert.rejects(elsewhere, { name: 'Fault', code: 'conflict', message: /192\.0\.2\.1:0/ })
  })
})

test('any free port is none of the others that the same program gets', async () => {
  const others = Array.from({ length: 65_535 }, (_, at) => at + 1).filter((port) => port % 50 > 1)
  const port = await freePort('127.0.0.1', 0, others)
  assert.ok(!others.includes(port), String(port))
})

suite('who answers at a port', () => {
  test('nobody', async (t) => {
    const broker = await start(0)
    const port = Number(new URL(broker.url).port)
    assert.equal(await answersMqtt('127.0.0.1', port), true)
    await broker.stop()
    assert.equal(await answersMqtt('127.0.0.1', port), false)
    t.diagnostic('a broker that refuses anonymous clients was recognised')
  })
  test('somebody who says nothing', async (t) => {
    const port = await deaf(t, (socket) => void socket.resume())
    assert.equal(await answersMqtt('127.0.0.1', port, 50), false)
  })
})

suite('the address of a listener', () => {
  const rows: [host: string, url: string][] = [
    ['127.0.0.1', 'mqtt://127.0.0.1:1883'],
    ['0.0.0.0', 'mqtt://127.0.0.1:1883'],
    ['::', 'mqtt://[::1]:1883'],
    ['::1', 'mqtt://[::1]:1883'],
    ['localhost', 'mqtt://localhost:1883'],
  ]
  for (const [host, url] of rows)
    test(`${host}: ${url}`, () => {
      assert.equal(brokerUrl('mqtt', host, 1883), url)
    })
})
