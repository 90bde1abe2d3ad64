import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { Fault } from '../../kernel/fault.ts'
import type { Provider } from '../../kernel/registry.ts'
import type { HttpMethod, Tool } from '../../kernel/tool.ts'
import { deeds, textTools } from '../../testing/bus.ts'
import { busTool } from './bus-tool.ts'
import { refusal } from './claims.ts'
import { describe, readDescription, type Description } from './description.ts'

const provider = (id: string, tools: Provider['tools'], kind: Provider['kind'] = 'service'): Provider => ({
  id,
  kind,
  tools,
  report: () => ({ status: 'available', sinceMs: 0 }),
})

const tools = textTools(deeds(), 'one')
const written = describe(provider('text', tools), '1.2.3')
const good = JSON.parse(written) as Description
const [first] = good.operations
const withFirst = (change: object) => ({ ...good, operations: [{ ...first, ...change }] })
const read = (value: unknown) => readDescription('text', Buffer.from(JSON.stringify(value)))

suite('descriptions of services on the bus', () => {
  test('what is written is read again', () => {
    const { operations, ...rest } = readDescription('text', Buffer.from(written))
    assert.deepEqual(rest, { service: 'text', version: '1.2.3' })
    assert.deepEqual(
      operations.map(({ name, timeout_ms: limit }) => [name, limit]),
      [
        ['text.append', 'input'],
        ['text.echo', 5000],
        ['text.fail', undefined],
        ['text.wait', undefined],
      ],
    )
  })

  test('what is not for models is not by way of the bus either', () => {
    const [own] = tools.filter(({ name }) => name === 'text.echo').map((tool) => ({ ...tool, forModels: false }))
    assert.ok(own)
    const { operations } = readDescription('text', Buffer.from(describe(provider('text', [own]), '1')))
    assert.deepEqual(
      operations.map((operation) => busTool(operation, {} as never).forModels),
      [false],
    )
  })

  const broken: readonly [what: string, value: unknown, problem: RegExp][] = [
    ['no object', 7, /Invalid input/],
    ['of another service', { ...good, service: 'other' }, /it is one of "other"/],
    ['without operations', { ...good, operations: [] }, /operations/],
    ['with too many', { ...good, operations: Array.from({ length: 501 }, () => first) }, /operations/],
    ['with one twice', { ...good, operations: [first, first] }, /twice/],
    ['with another service’s name', withFirst({ name: 'mqtt.publish_message' }), /mqtt.publish_message is not one/],
    ['with a name that is none', withFirst({ name: 'text.__proto__ x' }), /operations.0.name/],
    ['with every scope', withFirst({ scope: '*' }), /operations.0.scope/],
    ['with a scope of all', withFirst({ scope: 'text:*' }), /operations.0.scope/],
    ['with an effect that is none', withFirst({ effect: 'nice' }), /operations.0.effect/],
    ['with a schema that is none', withFirst({ input: 'any' }), /operations.0.input/],
    ['with a schema of no object', withFirst({ input: { type: 'string' } }), /schema of an object/],
    ['with a path that is none', withFirst({ route: { method: 'GET', path: 'api' } }), /operations.0.route.path/],
    ['with a limit of a year', withFirst({ timeout_ms: 31_536_000_000 }), /operations.0.timeout_ms/],
    ['that is huge', withFirst({ input: { type: 'object', title: 'x'.repeat(1_000_001) } }), /1000000 are allowed/],
    ['that is deep', withFirst({ input: { type: 'object', not: deep(100) } }), /deeper than 64/],
  ]
  for (const [what, value, problem] of broken)
    test(`one ${what} is refused`, () =>
      assert.throws(
        () => read(value),
        (fault: unknown) => fault instanceof Fault && problem.test(fault.message),
      ))

  test('whatever comes is read or refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        try {
          readDescription('text', Buffer.from(text))
        } catch (fault) {
          assert.ok(fault instanceof Fault)
        }
      }),
    )
  })
})

suite('what a service on the bus may not take', () => {
  // One without an address of its own.
  const plain = tools.find(({ route }) => route === undefined)
  const other = (change: Partial<Tool>) => ({ ...plain, name: 'lamp.switch', ...change }) as Tool
  const at = (method: HttpMethod, path: `/${string}`) => ({ method, path })
  const cases: readonly [what: string, beside: Provider, problem: RegExp | undefined][] = [
    ['nothing of others', provider('lamp', [other({ scope: 'lamp:use' })]), undefined],
    ['its own earlier self', provider('text', tools, 'bus'), undefined],
    ['the name of a service', provider('text', []), /the hub has that name already \(service\)/],
    ['the name of a server', provider('text', [], 'upstream'), /the hub has that name already \(upstream\)/],
    ['scopes', provider('lamp', [other({ scope: 'text:switch' })]), /text:use, which is another service's/],
    ['an address', provider('lamp', [other({ scope: null, route: at('PUT', '/api/v1/text/{id}') })]), /address/],
    [
      'an address with inputs',
      provider('lamp', [other({ scope: null, route: at('GET', '/api/v1/{a}/b') })]),
      /address/,
    ],
  ]
  for (const [what, beside, problem] of cases)
    test(what, () => {
      const refused = refusal(readDescription('text', Buffer.from(written)), [beside])
      if (problem === undefined) assert.equal(refused, undefined)
      else assert.match(refused ?? '', problem)
    })

  test('a plain address of another', () => {
    const greedy = read(withFirst({ route: { method: 'POST', path: '/api/lamp/{what}' } }))
    assert.match(refusal(greedy, [provider('lamp', [other({ scope: 'lamp:use' })])]) ?? '', /\/api\/lamp\/switch/)
  })

  test('what other MCP servers are given', () => {
    assert.match(refusal(read(withFirst({ scope: 'mcp:files' })), []) ?? '', /mcp:files/)
  })
})

function deep(levels: number): object {
  return levels === 0 ? {} : { not: deep(levels - 1) }
}
