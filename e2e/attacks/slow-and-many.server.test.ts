import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectSocket, type Socket } from 'node:net'
import process from 'node:process'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connect } from 'mqtt'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { ownerLogin } from '../support/mqtt.ts'
import { startProgram, within } from '../support/program.ts'

const ATTACK = fileURLToPath(new URL('../support/attack.ts', import.meta.url))

const UPGRADE =
  'GET /mqtt HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n'

/** What HTTP does under such attacks is in limits.server.test.ts. */
suite('those who say little, slowly, or a lot, before they say who they are', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => {
    hub = await startHub(ending, { config: { broker: { quotas: { connectSeconds: 1 } } } })
  })
  after(() => ending.run())

  const memoryMb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${hub.pid}/status`, 'utf8'))?.[1]) / 1024

  /** Somebody else, meanwhile. Whoever is cut off to make room before they could say who they are tries again, as clients do. */
  const others = async () => {
    const client = connect(hub.urls.mqtt, { ...ownerLogin(hub), reconnectPeriod: 20, connectTimeout: 20_000 })
    const connected = new Promise<void>((resolve) => void client.once('connect', () => resolve()))
    // A connection may be reset; it is closed by then, and the client tries again.
    client.on('error', () => undefined)
    try {
      await within(connected, 'somebody else at the broker')
      await client.publishAsync('e2e/other', 'x', { qos: 1 })
    } finally {
      await client.endAsync(true)
    }
    assert.equal((await hub.call('health.list_services')).status, 200)
  }

  function open(port: string): Socket {
    const socket = connectSocket(Number(port), '127.0.0.1')
    ending.after(() => socket.destroy())
    return socket.on('error', () => undefined).resume()
  }
  const closed = (socket: Socket) =>
    socket.closed ? Promise.resolve() : new Promise<void>((resolve) => void socket.once('close', () => resolve()))
  const http = () => new URL(hub.urls.http).port
  const mqtt = () => new URL(hub.urls.mqtt).port
  const upgraded = async () => {
    const socket = open(http())
    socket.write(UPGRADE)
    assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 101/)
    return socket
  }

  const slow: [attack: string, start: () => Promise<Socket>, bytes: string][] = [
    ['MQTT: says nothing', async () => open(mqtt()), ''],
    ['MQTT: says a CONNECT byte by byte', async () => open(mqtt()), '\u0010\u00C0\u0004\u0000\u0004MQTT'],
    ['MQTT over WebSocket: says nothing', upgraded, ''],
    [
      'MQTT over WebSocket: says a frame byte by byte',
      upgraded,
      '\u0082\u00FE\u0002\u0000\u0000\u0000\u0000\u0000\u0010\u00C0',
    ],
  ]
  for (const [attack, start, bytes] of slow)
    test(`${attack}: cut off`, async () => {
      const socket = await start()
      const left = [...Buffer.from(bytes, 'latin1')]
      const drip = setInterval(() => {
        const byte = left.shift()
        if (byte !== undefined) socket.write(Uint8Array.of(byte))
      }, 100)
      try {
        await others()
        await within(closed(socket), attack)
      } finally {
        clearInterval(drip)
      }
    })

  test('thirty thousand who open MQTT and say nothing: others come in', async () => {
    const beforeMb = memoryMb()
    const attack = startProgram(process.execPath, [ATTACK, mqtt(), 'silent', '2000'], {})
    try {
      const seen = () => JSON.parse(attack.stdout().split('\n').at(-2) ?? '{}') as { opened?: number }
      const enough = async () => {
        for (let count = 0; (seen().opened ?? 0) < 30_000 || count < 3; count++) await others()
      }
      await within(enough(), 'the broker under silence')
    } finally {
      attack.closeInput()
      await attack.end()
    }
    assert.ok(memoryMb() - beforeMb < 250, `${memoryMb()} after ${beforeMb} MB`)
  })

  test('bodies in pieces of a byte, without a token and with one, take little', async () => {
    const beforeMb = memoryMb()
    const pieces = '1\r\n \r\n'.repeat(20_000)
    const head =
      'POST /api/health/list_services HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n'
    const strangers = Array.from({ length: 8 }, () => open(http()))
    for (const socket of strangers) socket.write(`${head}\r\n${pieces.repeat(4)}`)
    await within(Promise.all(strangers.map(closed)), 'the end of what strangers send')
    const known = Array.from({ length: 4 }, () => open(http()))
    for (const socket of known) socket.write(`${head}Authorization: Bearer ${hub.token}\r\n\r\n${pieces.repeat(25)}`)
    while (known.some((socket) => socket.writableLength > 0)) await others()
    // Each piece as a buffer of its own would take more than 200 MB.
    assert.ok(memoryMb() - beforeMb < 150, `${memoryMb()} after ${beforeMb} MB`)
    for (const socket of known) socket.destroy()
    await others()
  })

  test('packets of nine megabytes that nobody finishes take little', async () => {
    const beforeMb = memoryMb()
    const begun = Buffer.concat([Buffer.from([0x10, 0xc0, 0xa8, 0xa5, 0x04]), Buffer.alloc(2_000_000)])
    const frame = Buffer.concat([Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x89, 0x54, 0x40, 0, 0, 0, 0]), begun])
    const sockets = await Promise.all([
      ...Array.from({ length: 40 }, async () =>
        open(mqtt()).once('connect', function (this: Socket) {
          this.write(begun)
        }),
      ),
      ...Array.from({ length: 40 }, async () => {
        const socket = await upgraded()
        socket.write(frame)
        return socket
      }),
    ])
    await within(Promise.all(sockets.map(closed)), 'the end of what is too much')
    assert.ok(memoryMb() - beforeMb < 100, `${memoryMb()} after ${beforeMb} MB`)
    await others()
  })
})
