import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { estimateTokens } from './tokens.ts'

const line = JSON.stringify({
  topic: 'zigbee2mqtt/hall_light',
  payload: { state: 'ON', brightness: 254, linkquality: 120, last_seen: '2026-03-01T08:00:00.000Z' },
  encoding: 'json',
  format: 'json',
  size: 96,
  qos: 0,
  retained: true,
  received_at: '2026-03-01T08:00:01.123Z',
})

suite('token estimate against a tokenizer (o200k_base)', () => {
  const texts: readonly (readonly [string, string])[] = [
    ['JSON of messages', line.repeat(20)],
    [
      'lines of a story',
      'hall motion: occupancy on +5s, off +50s; illuminance 12 → 40\nkitchen plug: on, 12.4 W, last seen 3 s ago\n'.repeat(
        20,
      ),
    ],
    [
      'topics',
      'homeassistant/sensor/0x00158d0000a11c03/linkquality/config shellies/shellyswitch25-D0A11C/roller/0 '.repeat(20),
    ],
    [
      'prose',
      'The broker refused to subscribe: the user of this session may not read there. Try a narrower filter. '.repeat(
        20,
      ),
    ],
    ['pretty JSON', JSON.stringify(JSON.parse(line), undefined, 2).repeat(20)],
    [
      'ids and numbers',
      Array.from({ length: 200 }, (_, n) => `${(n * 7919.77).toFixed(2)}, ${((n + 9) * 2 ** 33).toString(16)}`).join(
        '; ',
      ),
    ],
    ['other scripts', 'Wohnzimmer: Fenster geöffnet, 21,5 °C. Кухня: свет включён. 客厅的灯打开了。'.repeat(20)],
  ]
  for (const [name, text] of texts)
    test(name, () => {
      const ratio = estimateTokens(text) / countTokens(text)
      assert.ok(ratio > 0.85 && ratio < 1.35, `${ratio.toFixed(2)} of what the tokenizer counts`)
    })
  test('nothing is nothing', () => assert.equal(estimateTokens(''), 0))
})
