import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import * as fc from 'fast-check'
import { createRedactor } from './redaction.ts'
import type { RedactionRule } from './session-rules.ts'

const shown = (payload: string | Buffer, topic = 'home/x', rules: RedactionRule[] = []) => {
  const result = createRedactor(rules).payload(topic, Buffer.from(payload))
  return [result.payload.toString(), result.redacted]
}

const HIDDEN = '[redacted]'

suite('redaction', () => {
  for (const [name, payload, expected, count] of [
    ['a password', '{"user":"ann","password":"hunter22"}', `{"user":"ann","password":"${HIDDEN}"}`, 1],
    ['numbers too', '{"pin_code": 1234, "level": 5}', `{"pin_code": "${HIDDEN}", "level": 5}`, 1],
    [
      'the network key of Zigbee2MQTT',
      '{"config":{"advanced":{"network_key":[1,3,5],"channel":11}}}',
      `{"config":{"advanced":{"network_key":"${HIDDEN}","channel":11}}}`,
      1,
    ],
    ['a whole object', '{"credentials":{"a":{"b":1}},"x":[]}', `{"credentials":"${HIDDEN}","x":[]}`, 1],
    ['each of two', '{"Password1":"a","Password2":"b"}', `{"Password1":"${HIDDEN}","Password2":"${HIDDEN}"}`, 2],
    ['a member that is there twice', '{"psk":"a","psk":"b"}', `{"psk":"${HIDDEN}","psk":"${HIDDEN}"}`, 2],
    ['an escaped name', '{"p\\u0061ssword":"a"}', `{"p\\u0061ssword":"${HIDDEN}"}`, 1],
    ['an escaped quote', '{"secret":"a\\"b","x":1}', `{"secret":"${HIDDEN}","x":1}`, 1],
    ['JSON that is cut off', '{"token":"abc', `{"token":"${HIDDEN}"`, 1],
    ['JSON lines', '{"psk":"a"}\n{"psk":"b"}', `{"psk":"${HIDDEN}"}\n{"psk":"${HIDDEN}"}`, 2],
    ['JSON in JSON', '{"log":"{\\"password\\":\\"a b\\"}"}', `{"log":"{\\"password\\":\\"${HIDDEN}\\"}"}`, 1],
    ['JSON in a log line', 'I: got {"api_key":"a b"} ok', `I: got {"api_key":"${HIDDEN}"} ok`, 1],
    ['a setting', 'ssid=home password=hunter22', `ssid=home password=${HIDDEN}`, 1],
    ['a quoted setting', 'wifi_key: "a b c"', `wifi_key: "${HIDDEN}"`, 1],
    ['a header', 'Authorization: Bearer abcdefghij', `Authorization: ${HIDDEN}`, 1],
    ['a bearer token', 'sent "Bearer abcdefghij"', `sent "Bearer ${HIDDEN}"`, 1],
    ['a URL', '{"server":"mqtt://ann:hunter22@host"}', `{"server":"mqtt://ann:${HIDDEN}@host"}`, 1],
    ['XML', '<c><wpa-psk>hunter22</wpa-psk><n>1</n></c>', `<c><wpa-psk>${HIDDEN}</wpa-psk><n>1</n></c>`, 1],
    ['CDATA', '<pin><![CDATA[1234]]></pin>', `<pin>${HIDDEN}</pin>`, 1],
    ['an XML attribute', '<c psk="a b"/>', `<c psk="${HIDDEN}"/>`, 1],
    ['a JWT', '"eyJhbGciOiJI.eyJzdWIiOiIx.abc"', `"${HIDDEN}"`, 1],
  ] as const)
    test(`hides ${name}`, () => assert.deepEqual(shown(payload), [expected, count]))

  for (const payload of [
    '{"password":null,"token":"","has_password":true,"secrets":[]}',
    '{"total_tokens":512,"keypad":"x","code":404,"pan_id":6754}',
    '{"note":"enter your password:","next":"x"}',
    'the pin was pressed',
    '21.5',
    '',
  ])
    test(`leaves ${payload === '' ? 'nothing' : payload}`, () => assert.deepEqual(shown(payload), [payload, 0]))

  test('a topic whose last level names a secret has a payload that is one', () => {
    assert.deepEqual(shown('hunter22', 'cmnd/plug/MqttPassword'), [HIDDEN, 1])
    assert.deepEqual(shown('on', 'password/state'), ['on', 0])
  })

  test('binary payloads stay as they are', () => {
    const bytes = gzipSync('{"a":1}')
    assert.equal(createRedactor([]).payload('x', bytes).payload, bytes)
    const invalid = Buffer.from([0x70, 0x73, 0x6b, 0x3d, 0xff, 0xfe])
    assert.equal(createRedactor([]).payload('x', invalid).payload, invalid)
  })

  for (const [name, pack, unpack] of [
    ['gzip', gzipSync, gunzipSync],
    ['zlib', deflateSync, inflateSync],
  ] as const)
    test(`a secret inside ${name} is taken out there`, () => {
      const { payload, redacted } = createRedactor([]).payload('x', pack('{"psk":"hunter22"}'))
      assert.deepEqual([unpack(payload).toString(), redacted], [`{"psk":"${HIDDEN}"}`, 1])
    })

  test('of what is longer than any result, only the beginning is looked through, and only that may be shown', () => {
    const long = Buffer.concat([
      Buffer.from('{"psk":"hunter22","x":"'),
      Buffer.alloc(17_000_000, 'é'),
      Buffer.from('"}'),
    ])
    const { payload, redacted } = createRedactor([]).payload('x', long)
    assert.equal(redacted, 1)
    assert.ok(payload.length < 16_777_300)
    assert.match(payload.toString('utf8', 0, 40), /^\{"psk":"\[redacted\]","x":"é/)
    const plain = Buffer.alloc(17_000_000, 'x')
    assert.equal(createRedactor([]).payload('x', plain).payload, plain)
  })

  test('what is more than a megabyte inside is not inflated', () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000))
    assert.equal(createRedactor([]).payload('x', bomb).payload, bomb)
  })

  const person = '{"people":[{"name":"Ann","at":{"lat":1}},{"name":"Ben"}],"name":"home"}'
  for (const [name, rules, topic, expected] of [
    [
      'a name at any depth',
      [{ topic: '#', path: 'lat' }],
      'home/x',
      person.replace('{"lat":1}', `{"lat":"${HIDDEN}"}`),
    ],
    [
      'a path with any level',
      [{ topic: 'home/+', path: 'people.*.name' }],
      'home/x',
      person.replace('"Ann"', `"${HIDDEN}"`).replace('"Ben"', `"${HIDDEN}"`),
    ],
    ['a whole payload', [{ topic: 'home/#' }], 'home/x', HIDDEN],
    ['nothing of another topic', [{ topic: 'home/#', path: 'name' }], 'work/x', person],
  ] as const)
    test(`a session's own rule: ${name}`, () => assert.equal(shown(person, topic, [...rules])[0], expected))

  test('whatever surrounds it, a secret never stays and the rest does', () => {
    const secret = 'S3cretValue'
    const name = fc.constantFrom('password', 'mqtt_password', 'accessToken', 'psk', 'network-key', 'Authorization')
    const withSecret = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        name.map((key) => ({ [key]: secret, kept: 'plain' })),
        fc.record({ [`a b`]: fc.string(), inner: tie('node') }),
        fc.array(tie('node'), { minLength: 1, maxLength: 3 }),
      ),
    })).node
    fc.assert(
      fc.property(withSecret, fc.nat(3), (value, indent) => {
        const [text, count] = shown(JSON.stringify(value, undefined, indent))
        assert.doesNotMatch(String(text), new RegExp(secret))
        const wanted = JSON.stringify(value).replaceAll(secret, HIDDEN)
        assert.equal(JSON.stringify(JSON.parse(String(text))), wanted)
        assert.equal(count, wanted.split(HIDDEN).length - 1)
      }),
      { numRuns: 200 },
    )
  })

  test('any text: it ends, and JSON stays JSON', () => {
    const piece = fc.oneof(
      fc.json(),
      fc.constantFrom('{"password":', '"token":"', '[', '}', '\\', 'psk=', '"', 'eyJ-', '<pin>'),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const [text] = shown(pieces.join(''))
        if (isJson(pieces.join(''))) assert.ok(isJson(String(text)))
      }),
      { numRuns: 300 },
    )
  })

  for (const [name, payload] of [
    ['levels', '{"password":'.repeat(200_000)],
    ['brackets', `"key"${'['.repeat(1_000_000)}`],
    ['quotes', 'psk="'.repeat(300_000)],
    ['open arrays', 'psk=['.repeat(300_000)],
    ['almost JWTs', 'eyJ-'.repeat(400_000)],
    ['almost URLs', 'a://b:'.repeat(200_000)],
    ['tags', '<pin '.repeat(300_000)],
    ['backslashes', `{"key":"${'\\\\'.repeat(500_000)}`],
    ['assignments of backslashes', `psk=${'\\'.repeat(1_000_000)}`],
  ] as const)
    test(`a megabyte of ${name} is looked through in linear time`, { timeout: 20_000 }, () => {
      assert.equal(typeof shown(payload)[0], 'string')
    })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
