import { deepEqual, equal, ok } from 'node:assert/strict'
import * as fc from 'fast-check'
import { addressOf, mayAnswerAt } from '../../src/adapters/mqtt/topics.ts'
import { readRequest } from '../../src/adapters/mqtt/request.ts'
import { aclFile } from '../../src/engines/broker/acl-file.ts'
import { readPasswordFile, writePasswordFile } from '../../src/engines/broker/generator/password-file.ts'
import { createFilterIndex, isFilter, isTopic } from '../../src/engines/broker/topic.ts'
import { readDescription } from '../../src/gateway/bus/description.ts'
import { faultOf, readAnswer, readRequest as readBusRequest } from '../../src/gateway/bus/messages.ts'
import { writerOf } from '../../src/gateway/bus/topics.ts'
import { faultBody } from '../../src/kernel/fault.ts'
import { namesIt } from '../../src/kernel/name-pattern.ts'
import { filterCovers, filtersOverlap, topicMatcher, withoutShare } from '../../src/kernel/topic.ts'
import { addressOf as shownAddress, parseConnectionString } from '../../src/services/mqtt/connection-string.ts'
import type { Target } from '../target.ts'
import { faultOr, joined, partsOf } from '../expect.ts'

const level = fc.oneof(
  fc.constantFrom('', 'a', 'b', '$SYS', '+', '#', 'a+', '+', '#'),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
)
const filter = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'))

/** MQTT 5, 4.7 word by word, and slowly: `+` one level, `#` the parent and all below, neither a `$` at the beginning. */
function matches(pattern: string, topic: string): boolean {
  const regExp = withoutShare(pattern)
    .split('/')
    .map((part) => (part === '+' ? '[^/]*' : part === '#' ? '.*' : RegExp.escape(part)))
    .join('/')
    .replace(/^\.\*$/, '(?:[^]*)')
    .replace(/\/\.\*$/, '(?:/[^]*)?')
  return !(topic.startsWith('$') && /^[+#]/.test(withoutShare(pattern))) && new RegExp(`^${regExp}$`, 'u').test(topic)
}

const REQUEST = '{"id":1,"reply":"alicia/v1/rep/x","body":{"a":1},"timeout_ms":500,"idempotency_key":"k"}'
const DESCRIPTION = {
  service: 'demo',
  version: '1',
  operations: [
    {
      name: 'demo.echo',
      summary: 'Says it again',
      scope: 'demo:use',
      effect: 'read',
      idempotent: true,
      open_world: false,
      streams: false,
      input: { type: 'object' },
    },
  ],
}
const CALL = {
  is: 'call',
  hub: 'h',
  number: 1,
  floor: 0,
  operation: 'demo.echo',
  input: {},
  caller: { id: 'a', name: 'a', via: 'mqtt', scopes: [] },
}
const ANSWERS = [
  { is: 'result', boot: 'b', number: 1, value: 2 },
  { is: 'fault', boot: 'b', number: 1, fault: { code: 'constructor', message: 'no', retry_after_ms: 5, details: {} } },
  { is: 'progress', boot: 'b', number: 1, progress: { progress: 0.5 } },
  { is: 'here', boot: 'b' },
]

export const MQTT_TARGETS: readonly Target[] = [
  {
    name: 'mqtt/filters',
    covers: ['src/kernel/topic.ts', 'src/engines/broker/topic.ts'],
    seeds: [
      joined(['sport/+/player/#', 'sport/tennis/player', 'sport/#']),
      joined(['$share/g/a/#', 'a', '+']),
      joined(['#', '$SYS/x', '+/x']),
      joined(['/', '', 'a//b']),
    ],
    generate: fc.tuple(filter, filter, filter).map(joined),
    tokens: ['/', '+', '#', '/#', '+/', '$share/g/', '$SYS', 'a/'],
    longestBytes: 300,
    check(input) {
      const [pattern = '', topic = '', other = ''] = partsOf(input, 3)
      if (!isFilter(pattern) || !isTopic(topic)) return
      const isMatch = topicMatcher(pattern)(topic)
      equal(isMatch, matches(pattern, topic), 'another answer than the specification')
      if (!pattern.startsWith('$share/')) {
        const index = createFilterIndex<string>()
        index.add(pattern, 'x')
        equal(index.match(topic).has('x'), isMatch)
        index.delete(pattern, 'x')
        equal(index.match(topic).size, 0)
      }
      equal(filterCovers(pattern, topic), isMatch)
      if (!isFilter(other)) return
      const isOther = topicMatcher(other)(topic)
      if (isMatch && isOther) ok(filtersOverlap(pattern, other), 'both match, and do not overlap')
      if (filterCovers(pattern, other) && isOther) ok(isMatch, 'covered, and not matched')
      equal(filtersOverlap(pattern, other), filtersOverlap(other, pattern))
    },
  },
  {
    name: 'mqtt/request-topic',
    covers: ['src/adapters/mqtt/topics.ts'],
    seeds: [
      joined(['alicia/v1/req/mqtt/publish', 'alicia/v1/rep/x']),
      joined(['alicia/v1/as/anna/req/a/b', 'alicia/v1/as/anna/rep/1']),
      'alicia/v1/as//req/a/b',
    ],
    tokens: ['alicia/v1/', 'as/', 'req/', 'rep/', '/', '+', '#'],
    check(input) {
      const [topic = '', reply = ''] = partsOf(input, 2)
      const address = addressOf(topic)
      if (!address) return
      ok(topicMatcher('alicia/v1/req/+/+')(topic) || topicMatcher('alicia/v1/as/+/req/+/+')(topic))
      ok(address.login !== '' && !address.login.includes('/'))
      if (mayAnswerAt(reply, address)) ok(reply.startsWith(address.replyPrefix) && !reply.includes('#'))
    },
  },
  {
    name: 'mqtt/request',
    covers: ['src/adapters/mqtt/request.ts', 'src/adapters/mqtt/json.ts', 'src/kernel/json.ts'],
    seeds: [
      REQUEST,
      '',
      ' ',
      '{"reply":5}',
      '{"reply":"x","body":null,"extra":1}',
      '{"reply":"x","timeout_ms":-1}',
      '[1]',
    ],
    generate: fc
      .record(
        {
          id: fc.jsonValue(),
          reply: fc.string(),
          body: fc.jsonValue(),
          timeout_ms: fc.oneof(fc.double(), fc.string()),
          idempotency_key: fc.string(),
        },
        { requiredKeys: ['reply'] },
      )
      .map((envelope) => JSON.stringify(envelope)),
    tokens: ['"reply":"x"', '"body":', '"timeout_ms":1', '"idempotency_key":"k"', '"progress":true', '"__proto__":{}'],
    check(input) {
      const message = { topic: 'alicia/v1/req/a/b', payload: input, qos: 1, retain: false } as const
      const { replyTo, body, timeoutMs, idempotencyKey } = readRequest(message)
      if (replyTo.form === 'envelope')
        equal(replyTo.topic, (JSON.parse(input.toString().replace(/^\ufeff/, '')) as { reply: string }).reply)
      if (timeoutMs !== undefined) ok(timeoutMs > 0)
      if (idempotencyKey !== undefined) ok(idempotencyKey.length <= 255)
      if (body.is === 'refused') ok(body.fault.message.length < 500)
      // The answer's topic may be given beside the payload too: then the payload is the input as it is.
      const beside = readRequest({ ...message, properties: { responseTopic: 'alicia/v1/rep/x' } })
      equal(beside.replyTo.form, 'properties')
      if (beside.body.is === 'read' && input.toString('latin1').trim() !== '')
        deepEqual(beside.body.input, JSON.parse(input.toString().replace(/^\ufeff/, '')))
    },
  },
  {
    name: 'mqtt/connection-string',
    covers: ['src/services/mqtt/connection-string.ts'],
    seeds: [
      'mqtt://user:p%40ss@broker.example:1883/client',
      'wss://h/path?x',
      'mqtts://[::1]:8883',
      'tcp://x',
      'mqtt://a:b@c:0',
      'mqtt://u@:1',
      'mqtt://h/%zz',
    ],
    generate: fc
      .record({
        scheme: fc.constantFrom('mqtt', 'mqtts', 'ws', 'wss'),
        user: fc.string(),
        password: fc.string(),
        host: fc.oneof(
          fc.domain(),
          fc.ipV4(),
          fc.ipV6().map((ip) => `[${ip}]`),
        ),
        port: fc.integer({ min: 1, max: 65_535 }),
      })
      .map(
        ({ scheme, user, password, host, port }) =>
          `${scheme}://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/id`,
      ),
    tokens: ['mqtt://', 'wss://', '@', ':', '/', '%40', '[::1]'],
    check(input) {
      const text = input.toString()
      const target = faultOr(() => parseConnectionString(text), 'invalid_input')
      if (!target) return
      ok(target.port >= 1 && target.port <= 65_535)
      ok(!/[\s/@?#]/.test(target.host), `${target.host} is no host`)
      // What is shown of it reads as the same place, without who goes there.
      const shown = parseConnectionString(shownAddress(target))
      deepEqual(
        [shown.host, shown.port, shown.path, shown.username],
        [target.host, target.port, target.path, undefined],
      )
      const url = URL.parse(text.trim().replace(/^[a-z]+/i, 'http'))
      // Where the web's parser sees a plain address too, it sees the same one.
      if (
        url &&
        /^[a-z0-9.-]+$/.test(target.host) &&
        !/[^\x21-\x7e]|[\\?#]/.test(text.trim()) &&
        /^\w+:\/\/[^@]*@?[^@]*$/.test(text) &&
        url.hostname !== ''
      ) {
        if (/[a-z]$/.test(target.host)) equal(url.hostname, target.host)
      }
    },
  },
  {
    name: 'mqtt/bus-description',
    covers: ['src/gateway/bus/description.ts'],
    seeds: [
      JSON.stringify(DESCRIPTION),
      '{}',
      JSON.stringify({ ...DESCRIPTION, service: 'other' }),
      JSON.stringify({ ...DESCRIPTION, operations: [] }),
    ],
    tokens: [
      '"route":{"method":"GET","path":"/x/{a}"}',
      '"timeout_ms":"input"',
      '"scope":null',
      '"__proto__":{}',
      '"output":{}',
    ],
    check(input) {
      const read = faultOr(() => readDescription('demo', input), 'invalid_request')
      if (!read) return
      equal(read.service, 'demo')
      ok(
        read.operations.every(
          ({ name, input: schema }) => /^demo\.[a-z][a-z0-9_]*$/.test(name) && schema['type'] === 'object',
        ),
      )
      for (const { route } of read.operations) if (route) ok(!/\s|\\|\?|#|%/.test(route.path))
    },
  },
  {
    name: 'mqtt/bus-messages',
    covers: ['src/gateway/bus/messages.ts'],
    seeds: [
      JSON.stringify(CALL),
      '{"is":"cancel","hub":"h","number":2}',
      ...ANSWERS.map((answer) => JSON.stringify(answer)),
    ],
    tokens: ['"is":"fault"', '"is":"call"', '"fault":{"message":"x"}', '"code":"__proto__"', '"number":1', 'null'],
    check(input) {
      const request = faultOr(() => readBusRequest(input) ?? 'none', 'invalid_request', 'too_large')
      if (request !== undefined && request !== 'none') {
        equal(typeof request.hub, 'string')
        if (request.is === 'call') ok(Array.isArray(request.caller.scopes))
      }
      const answer = faultOr(() => readAnswer(input), 'invalid_request', 'too_large')
      if (answer?.is === 'fault') ok(JSON.stringify(faultBody(faultOf(answer.fault))).includes('"code":"'))
    },
  },
  {
    name: 'mqtt/bus-topic',
    covers: ['src/gateway/bus/topics.ts'],
    seeds: ['alicia/v1/bus/anna/one/up/meta/demo', 'alicia/v1/bus///up/x', 'alicia/v1/busy/a/b/up'],
    tokens: ['alicia/v1/bus/', '/up/', 'status', '/'],
    check(input) {
      const topic = input.toString()
      const writer = writerOf(topic)
      if (writer) ok(topic.startsWith(`alicia/v1/bus/${writer.place.login}/${writer.place.instance}/up`))
    },
  },
  {
    name: 'mqtt/acl-file',
    covers: ['src/engines/broker/acl-file.ts'],
    seeds: [joined(['anna', 'home/#', '#']), joined(['bert', 'a b/+', 'x\ny/#']), joined(['c', ' lead', '$SYS/#'])],
    generate: fc.tuple(fc.stringMatching(/^[a-z]{1,5}$/), filter, filter).map(joined),
    check(input) {
      const [name = '', allowed = '', denied = ''] = partsOf(input, 3)
      // Names and filters as the configuration lets them through.
      if (!/^[\w.-]+$/.test(name) || !isFilter(allowed) || !isFilter(denied)) return
      const rules = [
        { filter: denied, allow: false },
        { filter: allowed, allow: true },
      ]
      const { text } = aclFile([{ name, send: rules, receive: [{ filter: allowed, allow: true }] }], ['home/#'])
      const lines = text.split('\n').slice(2)
      for (const line of lines.filter((each) => each !== '' && !each.startsWith('#')))
        ok(
          /^(?:user [\w.-]+|topic (?:read|write|readwrite|deny) [^\s].*|pattern (?:read|write) alicia\/v1\/as\/%u\/re[qp]\/#)$/s.test(
            line,
          ),
          line,
        )
      // Nobody may write what is denied, however it was spelt.
      for (const line of lines) {
        const [, given] = /^topic (?:write|readwrite) (.*)$/s.exec(line) ?? []
        if (given !== undefined && filterCovers(denied, given)) ok(lines.includes(`topic deny ${denied}`), line)
      }
    },
  },
  {
    name: 'mqtt/password-file',
    covers: ['src/engines/broker/generator/password-file.ts'],
    seeds: ['anna:$7$10000$c2FsdA==$aGFzaA==\n# x\nbert:$7$1$a$b\n', ':x\n', 'a b:c\r\n'],
    check(input) {
      const read = readPasswordFile(input.toString())
      const written = writePasswordFile(read)
      deepEqual(readPasswordFile(written), read)
      equal(written.split('\n').length, read.size + 1)
    },
  },
  {
    name: 'mqtt/name-pattern',
    covers: ['src/kernel/name-pattern.ts'],
    seeds: [joined(['read_*', 'read_file']), joined(['*a*b*', 'xaybz']), joined(['**', '']), joined(['a*a', 'a'])],
    generate: fc.tuple(fc.stringMatching(/^[ab*]{0,6}$/), fc.stringMatching(/^[ab]{0,8}$/)).map(joined),
    longestBytes: 60,
    check(input) {
      const [pattern = '', name = ''] = partsOf(input, 2)
      const regExp = new RegExp(
        `^${pattern.replaceAll(/[\\^$.+?()[\]{}|/-]/g, String.raw`\$&`).replaceAll(/\*+/g, '[^]*')}$`,
      )
      equal(namesIt([pattern], name), regExp.test(name))
    },
  },
]
