import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { readAll, readInbound, type Inbound } from './inbound.ts'

/** What was read, in short. */
function short(inbound: Inbound): string {
  switch (inbound.kind) {
    case 'result':
      return `result ${JSON.stringify(inbound.id)} ${inbound.result.text}`
    case 'error':
      return `error ${JSON.stringify(inbound.id)} ${inbound.error.text}`
    case 'notification':
      return `notification ${inbound.method} ${inbound.params}`
    case 'request':
      return `request ${inbound.idText} ${inbound.method} ${inbound.params}`
    case 'malformed':
      return `malformed ${JSON.stringify(inbound.id)}`
  }
}

suite('messages of a server', () => {
  for (const [text, expected] of [
    ['{"jsonrpc":"2.0","id":1,"result":{}}', 'result 1 {}'],
    ['{"result":{"a":1.0},"jsonrpc":"2.0","id":12}', 'result 12 {"a":1.0}'],
    [
      ' { "id" : 1 , "result" : { "big":12345678901234567890 } , "jsonrpc" : "2.0" } ',
      'result 1 { "big":12345678901234567890 }',
    ],
    ['{"jsonrpc":"2.0","id":"1","result":{}}', 'result "1" {}'],
    ['{"jsonrpc":"2.0","id":1,"result":{},"more":true}', 'result 1 {}'],
    // What two parsers would read in two ways is not passed on.
    ['{"jsonrpc":"2.0","id":1,"result":{"a":1},"result":{"b":2}}', 'malformed 1'],
    ['{"result":{"a":1},"jsonrpc":"2.0","id":1,"jsonrpc":"2.0","id":2}', 'malformed 2'],
    ['{"jsonrpc":"2.0","id":1,"result":{}},{"x":{}}', 'malformed undefined'],
    ['{"jsonrpc":"2.0","id":01,"result":{}}', 'malformed undefined'],
    ['{"jsonrpc":"2.0","id":1,"result":[]}', 'malformed 1'],
    ['{"jsonrpc":"2.0","id":1,"result":{}', 'malformed undefined'],
    ['{"jsonrpc":"2.0","id":1.5,"result":{}}', 'malformed undefined'],
    ['{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}', 'malformed undefined'],
    [
      '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x","data":[1]}}',
      'error 1 {"code":-1,"message":"x","data":[1]}',
    ],
    [
      '{"jsonrpc":"2.0","id":1,"error":{"message":"x", "code":-1,"data":[1.0],"more":1e400}}',
      'error 1 {"message":"x", "code":-1,"data":[1.0],"more":1e400}',
    ],
    ['{"jsonrpc":"2.0","method":"m"}', 'notification m {}'],
    ['{"jsonrpc":"2.0","method":"m","params":{ "a" : 1e2 }}', 'notification m { "a" : 1e2 }'],
    ['{"jsonrpc":"2.0","id":"\\u0061","method":"m","params":{}}', 'request "\\u0061" m {}'],
    ['Server listening on port 3000', 'malformed undefined'],
    ['null', 'malformed undefined'],
    ['{"hello":1}', 'malformed undefined'],
  ] as const)
    test(text, () => assert.equal(short(readInbound(text)), expected))

  test('a batch', () => {
    const batch = '[{"jsonrpc":"2.0","id":1,"result":{"a":1.0}} , {"jsonrpc":"2.0","method":"m"},5]'
    assert.deepEqual(readAll(batch).map(short), ['result 1 {"a":1.0}', 'notification m {}', 'malformed undefined'])
    assert.deepEqual(readAll('[').map(short), ['malformed undefined'])
  })

  test('the text of a result is the text that came, in whatever order the members stand', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.nat(1e6),
        fc.nat(2),
        fc.nat(5),
        (value, id, indent, turn) => {
          const result = JSON.stringify(value, undefined, indent)
          const members = ['"jsonrpc":"2.0"', `"id":${id}`, `"result":${result}`]
          const order =
            [
              [0, 1, 2],
              [2, 0, 1],
              [1, 2, 0],
              [0, 2, 1],
              [1, 0, 2],
              [2, 1, 0],
            ][turn] ?? []
          const inbound = readInbound(`{${order.map((index) => members[index]).join(',')}}`)
          assert.equal(short(inbound), `result ${id} ${result}`)
          assert.ok(inbound.kind === 'result')
          assert.deepEqual(inbound.result.value, JSON.parse(result))
        },
      ),
    )
  })
})
