import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { decode } from '../decode/decode.ts'
import { errorSign } from './error-sign.ts'

const signOf = (topic: string, payload: unknown) => {
  const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
  return errorSign(topic, decode(topic, bytes))?.kind
}

suite('signs of an error', () => {
  const errors: readonly (readonly [string, unknown, string])[] = [
    ['zigbee2mqtt/bridge/logging', { level: 'error', message: 'Publish failed: timeout' }, 'level error'],
    ['zigbee2mqtt/plug/availability', { state: 'offline' }, 'offline'],
    ['zigbee2mqtt/plug/availability', 'offline', 'offline'],
    ['tele/tasmota_1/LWT', 'Offline', 'offline'],
    ['shellies/x/online', 'false', 'offline'],
    ['homie/5/dev/$state', 'lost', 'offline'],
    ['zigbee2mqtt/bridge/response/device/rename', { status: 'error', error: 'Device not found' }, 'status error'],
    ['api/answer', { status: 503, body: '' }, 'status 503'],
    ['shelly/rpc', { id: 1, error: { code: -103, message: 'Invalid argument' } }, 'error -103'],
    ['shelly/events/rpc', { params: { 'temperature:100': { errors: ['read'] } } }, 'errors'],
    ['x', { success: false, reason: 'no route' }, 'success false'],
    ['app/log', { level: 50, time: 1, msg: 'down' }, 'level 50'],
    ['node/debug', '\u001b[0;31m[E][wifi:120]: Connection failed\u001b[0m', 'log e'],
    ['node/debug', '[12:00:01][E][sensor:1]: read', 'log e'],
    ['app/log', '2026-01-01 12:00:00,120 ERROR worker died', 'log error'],
  ]
  for (const [topic, payload, kind] of errors)
    test(`${topic} ${JSON.stringify(payload)}`, () => assert.equal(signOf(topic, payload), kind))

  const none: readonly (readonly [string, unknown])[] = [
    ['home/problem', 'no issue found'],
    ['zigbee2mqtt/bridge/logging', { level: 'warning', message: 'error in device configuration ignored' }],
    ['zigbee2mqtt/bridge/response/x', { status: 'ok', error: '' }],
    ['x', { error: null, errors: [], err: 0, fault: false, last_error: 'none' }],
    ['x', { error_rate: 0.4, errors_total: 12, level: 50.5, water_level: 'critical' }],
    ['lamp/state', 'OFF'],
    ['tasmota/discovery/A1/config', { ofln: 'Offline', onln: 'Online' }],
    ['code', { status: 200, code: 404 }],
    ['text', 'Terror in the errata'],
    ['zigbee2mqtt/valve', { state: 'ON', level: 49 }],
    ['contact/online', 'true'],
    ['empty', ''],
  ]
  for (const [topic, payload] of none)
    test(`none: ${topic} ${JSON.stringify(payload)}`, () => assert.equal(signOf(topic, payload), undefined))

  test('whatever the value, it answers, and shortly', () => {
    fc.assert(
      fc.property(fc.string(), fc.json({ maxDepth: 8 }), (topic, text) => {
        const sign = errorSign(topic, { value: JSON.parse(text) as unknown })
        assert.ok((sign?.text.length ?? 0) <= 160)
      }),
      { numRuns: 200 },
    )
  })
})
