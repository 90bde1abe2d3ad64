import { deepEqual, equal, ok } from 'node:assert/strict'
import * as fc from 'fast-check'
import { readInbound, readAll } from '../../src/gateway/connection/inbound.ts'
import { forLegacy, forModern, ofHub, unchanged } from '../../src/gateway/relay/params.ts'
import { readJsonBytes } from '../../src/kernel/json.ts'
import { isObject, readMessage } from '../../src/kernel/mcp/message.ts'
import { replaceAddresses } from '../../src/kernel/mcp/raw-address.ts'
import { readElements, readMember, readMembers, writeMembers } from '../../src/kernel/mcp/raw.ts'
import { Fault } from '../../src/kernel/fault.ts'
import type { Target } from '../target.ts'
import { faultOr, jsonOf } from '../expect.ts'

const key = fc.oneof(
  fc.constantFrom(
    'jsonrpc',
    'id',
    'method',
    'params',
    'result',
    'error',
    '_meta',
    'uri',
    'progressToken',
    '__proto__',
    '',
  ),
  fc.string({ unit: 'binary', maxLength: 5 }),
)
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.boolean(), fc.constant(null), fc.bigInt().map(Number)),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(key, tie('any'), { maxKeys: 5, noNullPrototype: false }),
  ),
})).any
const object = fc.dictionary(key, value, { maxKeys: 6, noNullPrototype: false })

/** The same value, written with other spaces than JSON.stringify does. */
const written = (any: fc.Arbitrary<unknown>) =>
  fc.tuple(any, fc.constantFrom('', ' ', '\t', '  ')).map(([made, indent]) => JSON.stringify(made, null, indent))

const REQUEST =
  '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","_meta":{"progressToken":"p"},"arguments":{"a":1.0}}}'
const MESSAGES = [
  REQUEST,
  '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\\u00e4"}]}}',
  '{"result":{"a":12345678901234567890},"jsonrpc":"2.0","id":3}',
  '{"jsonrpc":"2.0","id":"a","error":{"code":-32601,"message":"no","data":[1]}}',
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":0.5}}',
  '{"jsonrpc":"2.0","id":1,"id":2,"result":{}}',
]
const TOKENS = [
  '"jsonrpc":"2.0"',
  '"id":',
  '"method":"ping"',
  '"params":{}',
  '"result":{}',
  '"error":{"code":1,"message":""}',
  ',',
  '{}',
  '\\"',
  '\\\\',
  '\\u0069',
]

/** Names that stand twice in the text's outermost object, by a reader that knows nothing of ours: it counts what the reviver sees. */
function isReadable(text: string): boolean {
  const parsed = jsonOf(text)
  return parsed !== undefined && isObject(parsed.value)
}

/** What `JSON.parse` makes of each member, by name. */
const parsedMembers = (members: ReadonlyMap<string, string>) =>
  Object.fromEntries([...members].map(([name, text]) => [name, JSON.parse(text) as unknown]))

export const JSON_TARGETS: readonly Target[] = [
  {
    name: 'json/body',
    covers: ['src/kernel/json.ts'],
    seeds: ['{"a":[1,"x",null]}', '\ufeff[]', '[[[[]]]]', '"\\ud800"', '{"a":', Buffer.from([0x22, 0xff, 0x22])],
    generate: written(value),
    tokens: ['[[[[[[[[', '{"":'],
    check(input) {
      const read = faultOr(() => ({ value: readJsonBytes(input, 'The body') }), 'invalid_request')
      let text: string
      try {
        text = new TextDecoder('utf-8', { fatal: true }).decode(input)
      } catch {
        return equal(read, undefined)
      }
      const reference = jsonOf(text)
      if (read) deepEqual(read, reference)
      // Beside what is no JSON, only depth is refused.
      else if (reference) ok((text.match(/[[{]/g) ?? []).length > 64)
    },
  },
  {
    name: 'json/members',
    covers: ['src/kernel/mcp/raw.ts'],
    seeds: [...MESSAGES, '{"a":"\\\\","b":"}"}', '{ "a" : [ { } , "]" ] , "\\u0061" : 1 }', '{}'],
    generate: written(object),
    tokens: TOKENS,
    longestBytes: 20_000,
    check(input) {
      const text = input.toString()
      if (!isReadable(text)) return
      const members = faultOr(() => readMembers(text), 'invalid_request')
      const single = faultOr(() => readMember(text, 'id') ?? 'none', 'invalid_request')
      equal(single === undefined, members === undefined)
      if (!members) return
      deepEqual(parsedMembers(members), JSON.parse(text))
      equal(single, members.get('id') ?? 'none')
      deepEqual(readMembers(writeMembers(members)), members)
      for (const part of members.values())
        if (part.startsWith('['))
          deepEqual(
            readElements(part).map((each) => JSON.parse(each) as unknown),
            JSON.parse(part),
          )
    },
  },
  {
    name: 'json/message',
    covers: ['src/kernel/mcp/message.ts'],
    seeds: MESSAGES,
    generate: written(
      fc.oneof(
        object.map((more) => ({ jsonrpc: '2.0', ...more })),
        value,
      ),
    ),
    tokens: TOKENS,
    check(input) {
      const parsed = jsonOf(input.toString())
      if (!parsed) return
      const message = readMessage(parsed.value)
      if (message.kind === 'invalid') return ok(message.why.length < 100)
      ok(isObject(parsed.value) && parsed.value['jsonrpc'] === '2.0')
      if ('id' in message) ok(typeof message.id === 'string' || Number.isInteger(message.id))
      if ('method' in message) ok(isObject(message.params))
    },
  },
  {
    name: 'json/inbound',
    covers: ['src/gateway/connection/inbound.ts', 'src/kernel/mcp/message.ts'],
    seeds: [...MESSAGES, `[${REQUEST},${REQUEST}]`, '  {}'],
    generate: written(object.map((more) => ({ jsonrpc: '2.0', id: 1, ...more }))),
    tokens: [...TOKENS, '{"jsonrpc":"2.0","id":', ',"result":', '{"result":', ',"jsonrpc":"2.0","id":'],
    check(input) {
      const text = input.toString()
      const message = readInbound(text)
      // A space in front takes it off the fast path: both must say the same.
      deepEqual(readInbound(` ${text}`), message)
      if (message.kind === 'result') {
        const { result, id } = JSON.parse(text) as { result: unknown; id: unknown }
        deepEqual([JSON.parse(message.result.text), message.id], [result, id])
      }
      if (message.kind === 'notification')
        deepEqual(JSON.parse(message.params), (JSON.parse(text) as { params?: unknown }).params ?? {})
      ok(readAll(text).length <= text.length + 1)
    },
  },
  {
    name: 'json/relayed-params',
    covers: ['src/gateway/relay/params.ts', 'src/kernel/mcp/raw.ts'],
    seeds: [
      '{}',
      '{"_meta":{"progressToken":1,"x":2},"a":1}',
      '{"_meta":null}',
      '{ "\\u005fmeta" : {"progressToken":"t"}}',
      '{"_meta":{}}',
    ],
    generate: written(object),
    tokens: ['"_meta":{', '"progressToken":', '\\u005f', '"inputResponses":{}', '"requestState":"s"'],
    longestBytes: 20_000,
    check(input) {
      const text = input.toString()
      if (!isReadable(text)) return
      const before = JSON.parse(text) as Record<string, unknown>
      for (const change of [unchanged, ofHub, forLegacy, (params: string) => forModern(params, '"who":1', true)]) {
        const written = faultOr(() => change(text).write(9), 'invalid_request')
        if (written === undefined) continue
        const { _meta: meta, ...rest } = JSON.parse(written) as Record<string, unknown>
        const { _meta: metaBefore, inputResponses, requestState, ...others } = before
        if (change !== forLegacy)
          Object.assign(
            others,
            inputResponses !== undefined && { inputResponses },
            requestState !== undefined && { requestState },
          )
        deepEqual(rest, others)
        if (isObject(meta) && 'progressToken' in meta) equal(meta['progressToken'], 9)
        if (change === ofHub) equal((meta as Record<string, unknown>)['progressToken'], 9)
        if (change === unchanged && meta === undefined) equal(metaBefore, undefined)
      }
    },
  },
  {
    name: 'json/addresses',
    covers: ['src/kernel/mcp/raw-address.ts', 'src/kernel/mcp/raw.ts'],
    seeds: [
      '{"contents":[{"uri":"file:///a","text":"\\"uri\\":\\"file:///a\\""}]}',
      '{"uri":"file:///a","_meta":{"ui":{"resourceUri":"file:///a"}},"structuredContent":{"uri":"file:///a"}}',
    ],
    generate: written(fc.record({ content: value, uri: fc.constantFrom('file:///a', 'x'), messages: value })),
    tokens: ['"uri":"file:///a"', '"uriTemplate" : "file:///a"', '\\"uri\\":', '"content":['],
    longestBytes: 20_000,
    check(input) {
      const text = input.toString()
      if (!isReadable(text)) return
      let replaced: string
      try {
        replaced = replaceAddresses(text, new Map([['file:///a', 'alicia:"1']]))
      } catch (error) {
        return ok(error instanceof Fault && error.code === 'invalid_request', String(error))
      }
      // It stays JSON, and a second time there is nothing to replace.
      ok(isReadable(replaced))
      equal(replaceAddresses(replaced, new Map([['file:///a', 'x']])), replaced)
      if (!text.includes('file:')) equal(replaced, text)
    },
  },
]
