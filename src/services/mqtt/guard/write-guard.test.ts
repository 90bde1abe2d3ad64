import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../../kernel/clock.ts'
import { Fault } from '../../../kernel/fault.ts'
import type { Publication } from '../connection.ts'
import { DEFAULT_RULES, type SessionRules } from './session-rules.ts'
import { createGuard } from './write-guard.ts'

const publication = (topic: string, more: Partial<Publication> & { text?: string } = {}): Publication => ({
  topic,
  payload: Buffer.from(more.text ?? 'ON'),
  qos: 0,
  retain: more.retain ?? false,
  ...(more.confirmed !== undefined && { confirmed: more.confirmed }),
})

const guardWith = (rules: Partial<SessionRules>, clock = heldClock(), atOwnBroker = false) =>
  createGuard({ rules: { ...DEFAULT_RULES, ...rules }, clock, atOwnBroker })

/** The rule that refuses it, or undefined. */
const ruleFor = (rules: Partial<SessionRules>, message: Publication) => {
  const verdict = guardWith(rules).verdict(message)
  return verdict.allowed ? undefined : verdict.rule
}

suite('at the hub’s own broker', () => {
  const guard = guardWith({ access: 'all' }, heldClock(), true)

  for (const topic of [
    'alicia',
    'alicia/v1/req/tokens/create_token',
    'alicia/v1/as/guest/req/mqtt/ping',
    'alicia/v1/svc/x',
  ])
    test(`no session speaks for the hub: ${topic}`, () => {
      const verdict = guard.verdict(publication(topic))
      assert.equal(verdict.allowed ? undefined : verdict.rule, 'own broker')
      assert.throws(() => guard.admit(publication(topic)), { code: 'forbidden' })
      assert.equal(ruleFor({ access: 'all' }, publication(topic)), undefined)
    })

  for (const [topic, may] of [
    ['alicia/v1/req/mqtt/ping', false],
    ['alicia/v1/as/guest/rep/1', false],
    ['alicia/v1/rep/me/1', false],
    ['alicia/v1/svc/hub/home/status', true],
    ['alicia/v1/evt/mqtt/x', true],
    ['aliciaville/lamp', true],
  ] as const)
    test(`a session ${may ? 'may' : 'may not'} read ${topic}`, () => assert.equal(guard.mayRead(topic), may))
})

suite('write guard', () => {
  for (const [topic, text, rule] of [
    ['zigbee2mqtt/lamp/set', '{"state":"ON"}', undefined],
    ['zigbee2mqtt/bridge/request/health_check', '', undefined],
    ['zigbee2mqtt/bridge/request/device/remove', '{"id":"lamp"}', 'zigbee2mqtt bridge'],
    ['zigbee2mqtt/bridge/request/permit_join', '{"value":true}', 'zigbee2mqtt bridge'],
    ['cellar/z2m/bridge/config/permit_join', 'true', 'zigbee2mqtt bridge'],
    ['homeassistant/light/lamp/config', '{}', 'home assistant discovery'],
    ['ha/sensor/node/power/config', '{}', 'home assistant discovery'],
    ['homeassistant/status', 'online', undefined],
    ['cmnd/plug/Power', 'ON', undefined],
    ['cmnd/plug/reset', '1', 'tasmota command'],
    ['plug/cmnd/Backlog0', 'Reset 1', 'tasmota command'],
    ['cmnd/plug/SSId1', 'x', 'tasmota command'],
    ['cmnd/plug/SetOption19', '1', 'tasmota command'],
    ['shelly/rpc', '{"id":1,"method":"Switch.Set","params":{"on":true}}', undefined],
    ['shelly/rpc', '{"id":1,"method": "Shelly.FactoryReset"}', 'shelly rpc'],
    ['shelly/rpc', '{"id":1,"method":"WiFi.SetConfig"}', 'shelly rpc'],
    ['shellies/plug/relay/0/command', 'on', undefined],
    ['shellies/plug/command', 'update_fw', 'shelly update'],
    ['esp/button/factory_reset/command', 'PRESS', 'esphome button'],
    ['homie/5/lamp/$implementation/ota', '', 'homie firmware'],
    ['spBv1.0/plant/NCMD/edge', '', 'sparkplug node command'],
    ['spBv1.0/plant/DCMD/edge/pump', '', undefined],
    ['zwave/_CLIENTS/gateway/api/removeNode/set', '{}', 'z-wave js api'],
    ['home/OpenMQTTGateway/commands/MQTTtoSYS/config', '{}', 'gateway system'],
    ['$SYS/broker/x', '', 'broker'],
  ] as const)
    test(`safe ${rule === undefined ? 'publishes' : 'refuses'} ${topic} ${text}`, () => {
      const message = publication(topic, { text })
      assert.equal(ruleFor({ access: 'safe' }, message), rule && `access safe: ${rule}`)
      assert.equal(ruleFor({ access: 'all' }, message), undefined)
      assert.equal(ruleFor({ access: 'read_only' }, message), 'access read_only')
    })

  test('a retained message is deleted with access to all and on purpose', () => {
    const ghost = publication('home/ghost', { text: '', retain: true })
    assert.equal(ruleFor({}, { ...ghost, confirmed: true }), 'access safe')
    assert.equal(ruleFor({ access: 'all' }, ghost), 'confirm')
    assert.equal(ruleFor({ access: 'all' }, { ...ghost, confirmed: true }), undefined)
    assert.equal(ruleFor({}, publication('home/ghost', { text: '' })), undefined)
    const probe = publication('alicia-probe/1', { text: '', retain: true })
    assert.deepEqual([ruleFor({}, probe), ruleFor({ access: 'read_only' }, probe)], [undefined, 'access read_only'])
  })

  for (const [topic, rule] of [
    ['home/light', undefined],
    ['home/lock/set', 'write.deny home/lock/#'],
    ['work/light', 'write.allow (home/#)'],
    ['alicia-probe/1', undefined],
  ] as const)
    test(`filters: ${topic}`, () =>
      assert.equal(ruleFor({ write: { allow: ['home/#'], deny: ['home/lock/#'] } }, publication(topic)), rule))

  for (const [filter, rule] of [
    ['#', undefined],
    ['home/+', undefined],
    ['$share/a/home/x', undefined],
    ['home/lock', 'read.deny home/lock/#'],
    ['home/lock/+/state', 'read.deny home/lock/#'],
    ['work/+/light', 'read.allow (home/#, +/light)'],
    ['work/+', undefined],
    ['$SYS/#', 'read.allow (home/#, +/light)'],
    ['alicia-reply/1', undefined],
  ] as const)
    test(`subscribing to ${filter} ${rule === undefined ? 'may bring something' : 'is hopeless'}`, () => {
      const guard = guardWith({ read: { allow: ['home/#', '+/light'], deny: ['home/lock/#'] } })
      assert.equal(guard.unreadable(filter)?.details?.['rule'], rule)
    })

  test('what may be read, topic by topic', () => {
    const guard = guardWith({ read: { deny: ['#'] } })
    assert.deepEqual(['a', '$SYS/a', 'alicia-reply/x'].map(guard.mayRead), [false, true, true])
  })

  test('so many a minute, evenly; what is refused does not count', () => {
    const clock = heldClock()
    const guard = guardWith({ max_publishes_per_minute: 2, write: { deny: ['no'] } }, clock)
    assert.throws(() => guard.admit(publication('no')), { code: 'forbidden' })
    guard.admit(publication('a'))
    guard.admit(publication('a'))
    assert.throws(
      () => guard.admit(publication('a')),
      (error) => error instanceof Fault && error.code === 'rate_limited' && error.retryAfterMs === 30_000,
    )
    clock.advance(30_000)
    guard.admit(publication('a'))
    assert.throws(() => guard.admit(publication('a')), { code: 'rate_limited' })
  })
})
