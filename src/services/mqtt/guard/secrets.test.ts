import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { connectAsync, type MqttClient } from 'mqtt'
import { startEmbeddedBroker } from '../../../engines/broker/embedded.ts'
import { silentLog } from '../../../kernel/log.ts'
import { temporaryFolder } from '../../../testing/folder.ts'
import { cleanUps, establish, startToolkit, type MqttToolkit } from '../../../testing/mqtt-toolkit.ts'

/** Nothing else has this text in it, in any writing: what contains it has let a secret through. */
const MARK = 'Xq7Secret'

const SAID: readonly (readonly [topic: string, payload: string | Buffer])[] = [
  ['zigbee2mqtt/bridge/info', `{"config":{"mqtt":{"user":"ann","password":"${MARK}"},"network_key":["${MARK}"]}}`],
  ['zigbee2mqtt/lock', `{"state":"LOCK","pin_code":{"user":1,"pin":"${MARK}"},"battery":90}`],
  ['home/log', `E: login failed, password=${MARK} host=x`],
  ['home/url', `mqtt://ann:${MARK}@broker:1883`],
  ['home/xml', `<wifi><ssid>home</ssid><psk>${MARK}</psk></wifi>`],
  ['home/packed', gzipSync(`{"token":"${MARK}"}`)],
  ['home/error', `{"level":"error","message":"Authorization: Bearer ${MARK}abc refused"}`],
  ['home/own', `{"address":"${MARK} Street 1","on":true}`],
  ['stat/plug/MqttPassword', MARK],
  ['tele/plug/STATE', `{"POWER":"ON","Password1":"${MARK}"}`],
  ['homeassistant/sensor/a/config', `{"name":"a","uniq_id":"a","stat_t":"home/own","api_key":"${MARK}"}`],
]

suite('no secret leaves in any result', { concurrency: false }, () => {
  const ending = cleanUps()
  let toolkit: MqttToolkit
  let device: MqttClient
  let session_id: string
  before(async () => {
    const broker = await startEmbeddedBroker({
      host: '127.0.0.1',
      port: 0,
      file: ':memory:',
      log: silentLog,
      ownerToken: 'a token of the owner',
      users: [],
      anonymous: false,
    })
    ending.after(() => broker.stop())
    device = await connectAsync(broker.url, { protocolVersion: 5, ...broker.login('session') })
    ending.after(() => device.endAsync(true))
    for (const [topic, payload] of SAID) await device.publishAsync(topic, payload, { qos: 1, retain: true })
    toolkit = await startToolkit({ folder: temporaryFolder(ending), broker })
    ending.after(() => toolkit.stop())
    session_id = await establish(toolkit, { redact: [{ topic: 'home/#', path: 'address' }] })
  })
  after(() => ending.run())

  /** The result, and all that was reported on the way to it. */
  const allOf = async (operation: string, input: object) => {
    const reports: unknown[] = []
    const emit = ({ message, data }: { message?: string; data?: unknown }) => void reports.push(message, data)
    // Live too: the same again, a little different.
    for (const [topic, payload] of SAID) await device.publishAsync(topic, payload, { qos: 1, retain: true })
    return JSON.stringify([await toolkit.call(operation, { session_id, ...input }, { emit }), reports])
  }

  const CALLS: readonly (readonly [operation: string, input: object])[] = [
    ['list_topics', { pattern: '#' }],
    ['list_topics', { pattern: '#', duration: 0.3 }],
    ['what_changed', {}],
    ['list_devices', {}],
    ['subscribe_and_collect', { topic: '#', duration: 0.3 }],
    ['subscribe_and_collect', { topic: '#', mode: 'first', duration: 0.3 }],
    ['get_topic_schema', { topic: '#', duration: 0.3 }],
    ['debug_device', { device_pattern: '#', duration: 1 }],
    ['monitor_performance', { topics: ['#'], duration: 1 }],
    ['publish_message', { topic: 'zigbee2mqtt/lock', payload: '', dry_run: true }],
  ]
  for (const [operation, input] of CALLS)
    test(`${operation} ${JSON.stringify(input)}`, async () => {
      assert.doesNotMatch(await allOf(operation, input), new RegExp(MARK, 'i'))
    })

  test('record_messages and get_recording', async () => {
    await allOf('record_messages', { topic: '#', name: 'all', duration: 60, max_messages: SAID.length })
    const recorded = await toolkit.call('get_recording', { name: 'all', max_bytes: 1_000_000 })
    assert.ok(Number(recorded['lines']) >= SAID.length)
    for (const line of String(recorded['jsonl']).trim().split('\n')) {
      const { base64 = '' } = JSON.parse(line) as { base64?: string }
      assert.doesNotMatch(line + Buffer.from(base64, 'base64').toString('latin1'), new RegExp(MARK))
    }
    assert.ok(!String(recorded['jsonl']).includes(gzipSync(`{"token":"${MARK}"}`).toString('base64')))
  })
})
