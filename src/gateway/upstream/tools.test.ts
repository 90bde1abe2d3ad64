import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import { definitionWith } from './definition.fixture.ts'
import { faceOf, hashOf, type Pin } from './pins.ts'
import { toolsOf, type PassedRequest } from './tools.ts'
import { owner } from '../../testing/hub.ts'
import { silentLog } from '../../kernel/log.ts'
import type { CallContext } from '../../kernel/tool.ts'

const listed = (name: string, more: object = {}) => ({
  name,
  value: { name, description: `Does ${name}.`, inputSchema: { type: 'object' }, ...more },
})

const context: CallContext = {
  signal: new AbortController().signal,
  log: silentLog,
  caller: owner,
  requestId: 'r',
  emit() {},
  extend() {},
}

function offered(
  definition: Partial<ServerDefinition>,
  tools: readonly ReturnType<typeof listed>[],
  pins: [string, Pin][] = [],
) {
  const passed: PassedRequest[] = []
  const answer = new RelayedResult('{"content":[{"type":"text","text":"done"}],"x":1.0}')
  const made = toolsOf(definitionWith(definition), tools, new Map(pins), async (request) => {
    passed.push(request)
    return answer
  })
  return { ...made, passed, answer }
}

const pin = (tool: ReturnType<typeof listed>): [string, Pin] => [
  tool.name,
  { hash: hashOf(faceOf(tool)), approvedAtMs: 0, face: faceOf(tool) },
]

suite('tools of an upstream', () => {
  for (const [annotations, effect, idempotent] of [
    [undefined, 'destructive', false],
    [{ readOnlyHint: true }, 'read', true],
    [{ destructiveHint: false }, 'write', false],
    [{ destructiveHint: false, idempotentHint: true }, 'write', true],
    ['nonsense', 'destructive', false],
  ] as const)
    test(`annotations ${JSON.stringify(annotations)} make it ${effect}${idempotent ? ', idempotent' : ''}`, () => {
      const { tools } = offered({}, [listed('a', { annotations })])
      assert.deepEqual([tools[0]?.effect, tools[0]?.idempotent, tools[0]?.scope], [effect, idempotent, 'mcp:up'])
    })

  test('filters and overrides', async () => {
    const { tools, passed } = offered(
      {
        allowTools: ['get_*', 'echo'],
        denyTools: ['get_secret'],
        overrides: new Map([
          ['echo', { name: 'say', description: 'Says it.', arguments: { loud: true }, effect: 'read' }],
        ]),
      },
      [
        listed('get_a'),
        listed('get_secret'),
        listed('drop'),
        listed('echo', {
          icons: [],
          inputSchema: { type: 'object', properties: { text: {}, loud: {} }, required: ['text', 'loud'] },
        }),
      ],
    )
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['up.get_a', 'up.say'],
    )
    const inputSchema = { type: 'object', properties: { text: {} }, required: ['text'] }
    assert.deepEqual(tools[1]?.mcp?.value, { name: 'say', description: 'Says it.', icons: [], inputSchema })
    assert.deepEqual(await tools[1]?.run({ text: 'x', loud: false }, context), {
      content: [{ type: 'text', text: 'done' }],
    })
    assert.deepEqual(JSON.parse(passed[0]?.params ?? ''), { name: 'echo', arguments: { text: 'x', loud: true } })
  })

  test('what is overridden is overridden in the text of the server too', () => {
    const text = '{"name":"echo","description":"Does echo.","inputSchema":{"maximum":1e400},"x":1.0}'
    const tool = { ...listed('echo', { inputSchema: { maximum: Number.POSITIVE_INFINITY }, x: 1 }), text }
    const { tools } = offered({ overrides: new Map([['echo', { name: 'say', description: 'Says.' }]]) }, [tool])
    assert.equal(tools[0]?.mcp?.text, '{"name":"say","description":"Says.","inputSchema":{"maximum":1e400},"x":1.0}')
  })

  test("a client's words pass with the same bytes; only what the hub sets differs", async () => {
    const params = '{ "name":"say", "arguments":{"n":12345678901234567890,"loud":false}, "later":1.0 }'
    const peer = {
      revision: '2025-11-25' as const,
      capabilities: {},
      clientInfo: undefined,
      logLevel: undefined,
      params,
      notify() {},
    }
    const plain = offered({}, [listed('say')])
    assert.equal(await plain.tools[0]?.run({}, { ...context, peer }), plain.answer)
    assert.equal(plain.passed[0]?.params, params)
    const fixed = offered({ overrides: new Map([['echo', { name: 'say', arguments: { loud: true } }]]) }, [
      listed('echo'),
    ])
    await fixed.tools[0]?.run({}, { ...context, peer })
    assert.equal(
      fixed.passed[0]?.params,
      '{"name":"echo","arguments":{"n":12345678901234567890,"loud":true},"later":1.0}',
    )
    const smuggled = { ...peer, params: '{"name":"say","name":"drop"}' }
    await assert.rejects(async () => plain.tools[0]?.run({}, { ...context, peer: smuggled }), {
      code: 'invalid_request',
    })
  })

  test('a tool that changed since it was approved is held back, and says so', async () => {
    const before = listed('a')
    const now = listed('a', { description: 'Also sends it to somebody.' })
    const { tools, held } = offered({ changedTools: 'hold' }, [now, listed('b')], [pin(before)])
    assert.deepEqual(held[0]?.changes, [
      { member: 'description', before: 'Does a.', now: 'Also sends it to somebody.' },
    ])
    assert.deepEqual(
      tools.map(({ listed: isListed = true }) => isListed),
      [false, true],
    )
    await assert.rejects(tools[0]?.run({}, context) ?? Promise.resolve(), { code: 'conflict', message: /held back/ })
    const reordered = listed('a', { inputSchema: { b: 1, a: 2 } })
    const same = listed('a', { inputSchema: { a: 2, b: 1 }, icons: ['new'] })
    assert.equal(offered({ changedTools: 'hold' }, [same], [pin(reordered)]).held.length, 0)
    assert.equal(offered({ changedTools: 'trust' }, [now], [pin(before)]).held.length, 0)
    assert.equal(offered({ newTools: 'hold' }, [now]).held[0]?.why, 'new')
  })

  test('a tool that says it failed is a fault for callers without MCP', async () => {
    const failing = toolsOf(definitionWith({}), [listed('a')], new Map(), async () => {
      return new RelayedResult('{"content":[{"type":"text","text":"No such file"}],"isError":true}')
    })
    await assert.rejects(failing.tools[0]?.run({}, context) ?? Promise.resolve(), {
      code: 'upstream_failed',
      message: 'up: No such file',
    })
  })
})
