import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RelayedError } from '../../kernel/mcp/relayed.ts'
import type { Provider } from '../../kernel/registry.ts'
import { owner } from '../../testing/hub.ts'
import { testMcp, type TestMcpOptions } from '../../testing/mcp.ts'
import { createChannel } from './channel.ts'
import { offer, upstream } from './upstream.fixture.ts'

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

interface Line {
  id?: unknown
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { code: number; message: string; data?: unknown }
}

/** A client on a channel: what it sends is written as it stands, and what it got is kept as it came. */
function connect(
  providers: readonly Provider[],
  {
    revision = '2026-07-28',
    capabilities = {},
    profile,
    ...options
  }: TestMcpOptions & {
    revision?: string
    capabilities?: object
    profile?: string
  } = {},
) {
  const mcp = testMcp({ tools: [], ...options })
  for (const provider of providers) mcp.door.registry.add(provider)
  const lines: string[] = []
  let heard = Promise.withResolvers<void>()
  const channel = createChannel({
    server: mcp.server,
    caller: owner,
    ...(profile !== undefined && { profile }),
    send(text) {
      lines.push(text)
      heard.resolve()
      heard = Promise.withResolvers()
    },
  })
  const until = async (fits: (line: Line) => boolean): Promise<{ line: Line; text: string }> => {
    for (;;) {
      const text = lines.find((one) => fits(JSON.parse(one) as Line))
      if (text !== undefined) return { line: JSON.parse(text) as Line, text }
      await heard.promise
    }
  }
  let count = 0
  const isModern = revision === '2026-07-28'
  const ask = async (method: string, params: Record<string, unknown> = {}) => {
    const id = ++count
    const all = isModern ? { ...params, _meta: { ...META, ...(params['_meta'] as object) } } : params
    channel.receive(JSON.stringify({ jsonrpc: '2.0', id, method, params: all }))
    return await until((line) => line.id === id && line.method === undefined)
  }
  if (!isModern)
    channel.receive(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 'i',
        method: 'initialize',
        params: { protocolVersion: revision, capabilities },
      }),
    )
  return { mcp, channel, ask, until, lines, receive: (text: string) => channel.receive(text) }
}

/** A client's wish to hear of these resources. */
const listenFor = (...uris: string[]) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 's',
    method: 'subscriptions/listen',
    params: { notifications: { resourceSubscriptions: uris }, _meta: META },
  })

const prompts = (...names: string[]) => names.map((name) => offer('name', name))
const resources = (...uris: string[]) => uris.map((uri) => offer('uri', uri, { name: 'r' }))

suite('lists of everything that providers offer', () => {
  for (const [title, ttls, expected] of [
    ['nobody says how long', [undefined, undefined], 60_000],
    ['the shortest time counts', [30_000, 5000], 5000],
    ['a longer time than the hub allows', [3_600_000], 60_000],
  ] as const)
    test(`a list of several servers may be kept: ${title}`, async () => {
      const tools = [{ name: 'a', inputSchema: {} }]
      const { ask } = connect(
        ttls.map((ttlMs, at) => upstream({ id: `up${at}`, tools, offers: { ...(ttlMs !== undefined && { ttlMs }) } })),
      )
      const { result } = (await ask('tools/list')).line
      assert.deepEqual([result?.['ttlMs'], result?.['cacheScope']], [expected, 'private'])
    })

  const a = () =>
    upstream({
      id: 'a',
      tools: [
        { name: 'get.it', description: 'Gets.', inputSchema: { type: 'object' }, 'x-more': { y: 1 }, execution: {} },
      ],
      offers: { prompts: prompts('hello', 'only a'), resources: resources('file:///x', 'ui://app'), templates: [] },
    })
  const b = () =>
    upstream({
      id: 'b',
      tools: [{ name: 'show', inputSchema: { type: 'object' }, _meta: { ui: { resourceUri: 'ui://app' } } }],
      offers: {
        prompts: prompts('hello'),
        resources: resources('file:///x', 'ui://app', 'b://y'),
        templates: [offer('uriTemplate', 'b://t/{id}')],
      },
    })

  for (const [method, member, expected] of [
    ['prompts/list', 'prompts', [{ name: 'b_hello' }, { name: 'hello' }, { name: 'only_a' }]],
    [
      'resources/list',
      'resources',
      [
        { uri: 'alicia:b:file:///x', name: 'r' },
        { uri: 'b://y', name: 'r' },
        { uri: 'file:///x', name: 'r' },
        { uri: 'ui://app', name: 'r' },
        { uri: 'ui://~b/app', name: 'r' },
      ],
    ],
    ['resources/templates/list', 'resourceTemplates', [{ uriTemplate: 'b://t/{id}' }]],
    [
      'tools/list',
      'tools',
      [
        { name: 'get_it', description: 'Gets.', inputSchema: { type: 'object' }, 'x-more': { y: 1 }, execution: {} },
        { name: 'show', inputSchema: { type: 'object' }, _meta: { ui: { resourceUri: 'ui://~b/app' } } },
      ],
    ],
  ] as const)
    test(`${method}: other names only where two are the same, everything else as it was`, async () => {
      for (const revision of ['2026-07-28', '2025-11-25']) {
        const client = connect([a(), b()], { revision })
        // Addresses are given out when lists are first made, resources before the tools that speak of them.
        await client.ask('resources/list')
        const { line } = await client.ask(method)
        assert.deepEqual(line.result?.[member], expected)
        if (revision === '2026-07-28')
          assert.deepEqual([line.result?.['resultType'], line.result?.['cacheScope']], ['complete', 'private'])
      }
    })

  for (const revision of ['2024-11-05', '2025-11-25'] as const)
    test(`${revision}: what servers can do beyond the protocol is said to clients`, async () => {
      const providers = [{ 'x/a': {} }, { 'x/a': { n: 1 }, 'x/b': {} }].map((experimental, at) =>
        upstream({ id: `up${at}`, offers: { capabilities: { experimental } } }),
      )
      const client = connect(providers, { revision })
      const { line } = await client.until(({ id }) => id === 'i')
      const { experimental } = line.result?.['capabilities'] as { experimental?: unknown }
      assert.deepEqual(experimental, { 'x/a': { n: 1 }, 'x/b': {} })
    })

  test('come in pages without a gap', async () => {
    const names = Array.from({ length: 450 }, (_, index) => `p${String(index).padStart(3, '0')}`)
    const client = connect([upstream({ id: 'many', offers: { prompts: prompts(...names) } })])
    const seen: unknown[] = []
    let cursor: unknown
    do {
      const { line } = await client.ask('prompts/list', cursor === undefined ? {} : { cursor })
      seen.push(...((line.result?.['prompts'] ?? []) as { name: string }[]).map(({ name }) => name))
      cursor = line.result?.['nextCursor']
    } while (cursor !== undefined)
    assert.deepEqual(seen, names)
  })

  test('apps that stand in no list are known by the tools that name them', async () => {
    const app = (id: string) =>
      upstream({
        id,
        tools: [{ name: 'show', inputSchema: {}, _meta: { ui: { resourceUri: 'ui://app' } } }],
        knows: ['ui://app'],
      })
    const [a, b] = [app('a'), app('b')]
    const { ask } = connect([a, b])
    const { tools } = (await ask('tools/list')).line.result as { tools: { _meta: { ui: { resourceUri: string } } }[] }
    const uris = tools.map(({ _meta }) => _meta.ui.resourceUri)
    assert.deepEqual(uris, ['ui://~b/app', 'ui://app'])
    for (const uri of uris) await ask('resources/read', { uri })
    for (const { asked } of [a, b])
      assert.deepEqual(
        asked.map(({ input }) => (input as { uri: string }).uri),
        ['ui://app'],
      )
  })

  test('entries say what their server wrote, numbers that no double holds too', async () => {
    const text = '{"name":"big","inputSchema":{"maximum":18446744073709551615},"outputSchema":{"type":"array"},"x":1.0}'
    const tools = [{ ...(JSON.parse(text) as object), name: 'big' }]
    const prompt = { ...offer('name', 'p', { x: 1 }), text: '{"name":"p","x":1.0}' }
    const providers = ['a', 'b'].map((id) => upstream({ id, tools, texts: [text], offers: { prompts: [prompt] } }))
    for (const [revision, schema] of [
      ['2026-07-28', ',"outputSchema":{"type":"array"}'],
      ['2025-11-25', ''],
    ] as const) {
      const client = connect(providers, { revision })
      const list = (await client.ask('tools/list')).text
      for (const name of ['big', 'b_big'])
        assert.ok(
          list.includes(`{"name":"${name}","inputSchema":{"maximum":18446744073709551615}${schema},"x":1.0}`),
          list,
        )
      assert.match((await client.ask('prompts/list')).text, /\{"name":"b_p","x":1.0\},\{"name":"p","x":1.0\}/)
    }
  })

  test('a schema of results that an old client cannot read is left out for it', async () => {
    const tools = [{ name: 't', inputSchema: { type: 'object' }, outputSchema: { type: 'array' } }]
    for (const [revision, has] of [
      ['2026-07-28', true],
      ['2025-11-25', false],
    ] as const) {
      const { line } = await connect([upstream({ id: 'a', tools })], { revision }).ask('tools/list')
      const [tool] = line.result?.['tools'] as object[]
      assert.equal('outputSchema' in (tool ?? {}), has)
    }
  })
})

suite('requests that go to a provider', () => {
  const TEXT = '{"resultType":"complete","n":12345678901234567890,"t":"\\u00e9","list":[1.0, 2]}'

  for (const revision of ['2026-07-28', '2025-11-25'])
    test(`${revision}: its answer comes back with the same bytes`, async () => {
      const provider = upstream({
        id: 'a',
        tools: [{ name: 'echo' }],
        answer: TEXT,
        offers: { prompts: prompts('p'), resources: resources('r://1') },
      })
      const client = connect([provider], { revision })
      for (const [method, params] of [
        ['tools/call', { name: 'echo', arguments: {} }],
        ['prompts/get', { name: 'p' }],
        ['resources/read', { uri: 'r://1' }],
        ['completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'x', value: '' } }],
        ['made/up', { any: 1 }],
      ] as const) {
        const { text, line } = await client.ask(method, params)
        assert.equal(text, `{"jsonrpc":"2.0","id":${String(line.id)},"result":${TEXT}}`, method)
      }
    })

  for (const revision of ['2026-07-28', '2025-11-25'] as const)
    for (const id of ['1732190000123456789', '-9007199254740993', '0', String.raw`"\u00e9"`])
      test(`${revision}: the answer and the error to ${id} have that id`, async () => {
        const { receive, until } = connect([upstream({ id: 'a', tools: [{ name: 't' }] })], { revision })
        for (const [name, says] of [
          ['t', 'result'],
          ['none', 'error'],
        ] as const) {
          const params = JSON.stringify({ name, ...(revision === '2026-07-28' && { _meta: META }) })
          receive(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params}}`)
          const { text } = await until((line) => says in line && line.id !== 'i')
          assert.ok(text.startsWith(`{"jsonrpc":"2.0","id":${id.startsWith('"') ? '"é"' : id},"${says}":`), text)
        }
      })

  test('line ends between members do not break the message', async () => {
    const client = connect([upstream({ id: 'a', tools: [{ name: 'echo' }], answer: '{\n "x": "a\\nb"\r\n}' })])
    const { text, line } = await client.ask('tools/call', { name: 'echo' })
    assert.doesNotMatch(text, /[\r\n]/)
    assert.deepEqual(line.result, { x: 'a\nb' })
  })

  test('it gets what the client wrote, and its own name where the hub gave another', async () => {
    const [a, b] = [
      upstream({ id: 'a', offers: { prompts: prompts('p') } }),
      upstream({ id: 'b', offers: { prompts: prompts('p'), resources: resources('r://1') } }),
    ]
    const client = connect([a, b], { revision: '2025-06-18' })
    client.receive(
      '{"jsonrpc":"2.0","id":"p","method":"prompts/get","params":{"name":"b_p","big":12345678901234567890,"arguments":{}}}',
    )
    await client.until(({ id }) => id === 'p')
    assert.deepEqual(b.asked, [
      {
        method: 'prompts/get',
        input: { name: 'p', big: 12345678901234567000, arguments: {} },
        text: '{"name":"p","big":12345678901234567890,"arguments":{}}',
      },
    ])
    client.receive(
      '{"jsonrpc":"2.0","id":"c","method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"b_p"},"argument":{"name":"x","value":"1"}}}',
    )
    await client.until(({ id }) => id === 'c')
    assert.equal(b.asked[1]?.text, '{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"x","value":"1"}}')
    await client.ask('resources/read', { uri: 'r://1' })
    assert.equal(b.asked[2]?.text, '{"uri":"r://1"}')
    assert.equal(a.asked.length, 0)
  })

  test('its error comes back as it is', async () => {
    const client = connect([upstream({ id: 'a', knows: [], offers: { prompts: prompts('p') } })])
    assert.deepEqual((await client.ask('prompts/get', { name: 'p' })).line.error, {
      code: -32602,
      message: 'unknown there',
      data: { n: 1 },
    })
  })

  test('its error comes back with the same bytes', async () => {
    const text = '{ "message":"no","code":-32050,"data":{"n":12345678901234567890,"f":1.0},"more":\n[1e400] }'
    const answer = async () => Promise.reject(new RelayedError('a', { code: -32050, message: 'no', text }))
    const client = connect([upstream({ id: 'a', answer, offers: { prompts: prompts('p') } })])
    assert.ok((await client.ask('prompts/get', { name: 'p' })).text.includes(text.replace('\n', ' ')))
  })

  test('the error of a server that speaks of such addresses counts where nobody has the thing', async () => {
    const a = upstream({ id: 'a', knows: [], offers: { resources: resources('a://1') } })
    const b = upstream({ id: 'b', knows: [], offers: { templates: [offer('uriTemplate', 'b://t/{id}')] } })
    const client = connect([a, b])
    const { line } = await client.ask('resources/read', { uri: 'b://t/7' })
    assert.deepEqual(line.error, { code: -32602, message: 'unknown there', data: { n: 1 } })
    const nobodys = await client.ask('resources/read', { uri: 'c://t/7' })
    assert.match(nobodys.line.error?.message ?? '', /Resource not found/)
  })

  test('addresses in results are those that clients know', async () => {
    const answer =
      '{"content":[{"type":"resource_link","uri":"r://1","name":"x"},{"type":"resource","resource":{"uri":"r://1","text":"\\"uri\\":\\"r://1\\""}}],"structuredContent":{"uri":"r://1"}}'
    const first = upstream({ id: 'a', offers: { resources: resources('r://1') } })
    const client = connect([
      first,
      upstream({ id: 'b', tools: [{ name: 't' }], answer, offers: { resources: resources('r://1') } }),
    ])
    // Nobody has asked for a list yet.
    const { line } = await client.ask('tools/call', { name: 't' })
    assert.deepEqual(line.result, {
      content: [
        { type: 'resource_link', uri: 'alicia:b:r://1', name: 'x' },
        { type: 'resource', resource: { uri: 'alicia:b:r://1', text: '"uri":"r://1"' } },
      ],
      structuredContent: { uri: 'r://1' },
    })
  })

  for (const [what, uri, who, own] of [
    ['an address of a list', 'x://1', 'a', 'x://1'],
    ['an address that another had first', 'alicia:b:x://1', 'b', 'x://1'],
    ['an address of a provider that is in no list', 'alicia:b:x://77', 'b', 'x://77'],
    ['an address that fits a template', 'b://t/5/data', 'b', 'b://t/5/data'],
    ['an address of a scheme that one has', 'x://2', 'a', 'x://2'],
    ['an address that only one knows', 'other://z', 'b', 'other://z'],
  ] as const)
    test(`${what} finds its server`, async () => {
      const knows = ['x://1', 'x://77', 'b://t/5/data', 'other://z']
      const providers = {
        a: upstream({ id: 'a', knows: ['x://1', 'x://2'], offers: { resources: resources('x://1') } }),
        b: upstream({
          id: 'b',
          knows,
          offers: { resources: resources('x://1'), templates: [offer('uriTemplate', 'b://t/{id}/data')] },
        }),
      }
      const client = connect(Object.values(providers))
      const { line } = await client.ask('resources/read', { uri })
      assert.deepEqual(line.result, { x: 1 })
      assert.equal((providers[who].asked.at(-1)?.input as { uri: string }).uri, own)
    })

  for (const [revision, method, params, code] of [
    ['2026-07-28', 'resources/read', { uri: 'no://where' }, -32602],
    ['2025-11-25', 'resources/read', { uri: 'no://where' }, -32002],
    ['2025-11-25', 'prompts/get', { name: 'nobody' }, -32602],
    ['2025-11-25', 'completion/complete', { ref: { type: 'ref/prompt', name: 'nobody' } }, -32602],
    ['2025-11-25', 'tasks/get', { taskId: 't' }, -32602],
    ['2026-07-28', 'made/up', {}, -32601],
    ['2026-07-28', 'resources/subscribe', { uri: 'a://1' }, -32601],
    ['2025-11-25', 'subscriptions/listen', { notifications: {} }, -32601],
    ['2025-11-25', 'tools/call', { name: 'a/resources/read', arguments: { uri: 'x' } }, -32602],
  ] as const)
    test(`${revision} ${method} ${JSON.stringify(params)}: nobody's, ${code}`, async () => {
      const nobody = [
        upstream({ id: 'a', offers: { capabilities: { tools: {} } } }),
        upstream({ id: 'b', offers: { capabilities: { tools: {} } } }),
      ]
      assert.equal((await connect(nobody, { revision }).ask(method, params)).line.error?.code, code)
    })
})

suite('what a server asks of an old client', () => {
  const asking = (signal?: AbortSignal) =>
    upstream({
      id: 'a',
      tools: [{ name: 'ask' }],
      answer: async (_, { peer, signal: own }) => {
        const answer = await peer?.ask?.(
          'elicitation/create',
          '{"message":"Name?","big":12345678901234567890}',
          signal ?? own,
        )
        return `{"answer":${answer?.text ?? 'null'}}`
      },
    })
  const question = ({ method }: Line) => method === 'elicitation/create'

  test('reaches it, and its answer comes back, with the same bytes', async () => {
    const client = connect([asking()], { revision: '2025-06-18', capabilities: { elicitation: {} } })
    const called = client.ask('tools/call', { name: 'ask' })
    const { line, text } = await client.until(question)
    assert.match(text, /"params":\{"message":"Name\?","big":12345678901234567890\}/)
    client.receive(`{"jsonrpc":"2.0","id":${String(line.id)},"result":{"action":"accept","content":{"n":1.0}}}`)
    assert.match((await called).text, /"result":\{"answer":\{"action":"accept","content":\{"n":1\.0\}\}\}/)
  })

  test('its refusal is the error that it sent', async () => {
    const client = connect([asking()], { revision: '2025-06-18' })
    const called = client.ask('tools/call', { name: 'ask' })
    const { line } = await client.until(question)
    client.receive(`{"jsonrpc":"2.0","id":${String(line.id)},"error":{"code":-1,"message":"User rejected","data":7}}`)
    assert.deepEqual((await called).line.error, { code: -1, message: 'User rejected', data: 7 })
  })

  test('a question that was taken back is cancelled', async () => {
    const abort = new AbortController()
    const client = connect([asking(abort.signal)], { revision: '2025-06-18' })
    const called = client.ask('tools/call', { name: 'ask' })
    const { line } = await client.until(question)
    abort.abort()
    const { line: told } = await client.until(({ method }) => method === 'notifications/cancelled')
    assert.equal(told.params?.['requestId'], line.id)
    assert.match((await called).text, /withdrawn/)
  })

  test('one to whom nobody listens any more is over', async () => {
    const client = connect([asking()], { revision: '2025-06-18' })
    const asked = client.ask('tools/call', { name: 'ask' })
    await client.until(question)
    client.channel.close()
    await client.channel.settled()
    assert.equal(
      client.lines.some((line) => line.includes('"id":1,"result"')),
      false,
    )
    void asked
  })

  test('a client of the new era is not asked, but tells what it can do', async () => {
    const seen: unknown[] = []
    const provider = upstream({
      id: 'a',
      tools: [{ name: 't' }],
      answer: async (_, { peer }) => {
        seen.push(peer?.ask, peer?.session, peer?.capabilities, peer?.clientInfo, peer?.revision)
        return '{}'
      },
    })
    const client = connect([provider])
    await client.ask('tools/call', {
      name: 't',
      _meta: {
        'io.modelcontextprotocol/clientCapabilities': { x: {} },
        'io.modelcontextprotocol/clientInfo': { name: 'c' },
      },
    })
    assert.deepEqual(seen, [undefined, undefined, { x: {} }, { name: 'c' }, '2026-07-28'])
  })
})

suite('news', () => {
  const providers = () => ({
    a: upstream({ id: 'a', offers: { resources: resources('r://1') } }),
    b: upstream({ id: 'b', offers: { resources: resources('r://1'), capabilities: { resources: {}, prompts: {} } } }),
  })

  test('of lists and of watched resources reach an old client, under the addresses it knows', async () => {
    const { a, b } = providers()
    const client = connect([a, b], { revision: '2025-11-25' })
    await client.ask('resources/subscribe', { uri: 'alicia:b:r://1' })
    assert.deepEqual(
      b.asked.map(({ method, input }) => [method, input]),
      [['resources/subscribe', { uri: 'r://1' }]],
    )
    const before = client.lines.length
    const { events } = client.mcp.door
    events.emit('resource.updated', { provider: 'a', uri: 'r://1' })
    events.emit('resource.updated', { provider: 'b', uri: 'r://1' })
    events.emit('resource.updated', { provider: 'b', uri: 'r://1/part' })
    for (const name of ['tools.changed', 'prompts.changed', 'resources.changed'] as const)
      events.emit(name, { provider: 'a' })
    assert.deepEqual(
      client.lines.slice(before).map((line) => {
        const { method, params } = JSON.parse(line) as Line
        return [method, params?.['uri']]
      }),
      [
        ['notifications/resources/updated', 'alicia:b:r://1'],
        ['notifications/resources/updated', 'r://1/part'],
        ['notifications/tools/list_changed', undefined],
        ['notifications/prompts/list_changed', undefined],
        ['notifications/resources/list_changed', undefined],
      ],
    )
    client.channel.close()
    assert.deepEqual(b.asked.at(-1)?.method, 'resources/unsubscribe')
  })

  test('of resources are not without end', async () => {
    const a = upstream({ id: 'a', offers: { capabilities: { resources: { subscribe: true } } } })
    const client = connect([a], { revision: '2025-11-25' })
    const ask = async (method: string, at: number) => (await client.ask(method, { uri: `r://${at}` })).line.error?.code
    for (let at = 0; at < 1000; at++) assert.equal(await ask('resources/subscribe', at), undefined)
    assert.equal(await ask('resources/subscribe', 1000), -32602)
    assert.equal(await ask('resources/subscribe', 0), undefined)
    await ask('resources/unsubscribe', 0)
    assert.equal(await ask('resources/subscribe', 1000), undefined)
  })

  test('of a resource that two watch end with the second', async () => {
    const { a, b } = providers()
    const client = connect([a, b], { revision: '2025-11-25' })
    await client.ask('resources/subscribe', { uri: 'r://1' })
    client.receive(listenFor('r://1', 'r://1'))
    await client.until(({ method }) => method === 'notifications/subscriptions/acknowledged')
    await client.ask('resources/unsubscribe', { uri: 'r://1' })
    assert.equal(
      a.asked.some(({ method }) => method === 'resources/unsubscribe'),
      false,
    )
    client.receive(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 's' } }))
    while (!a.asked.some(({ method }) => method === 'resources/unsubscribe')) await new Promise(setImmediate)
  })

  test('keep what the server says besides the address', async () => {
    const offers = { resources: resources('r://1'), capabilities: { resources: { subscribe: true } } }
    const client = connect([upstream({ id: 'a', offers }), upstream({ id: 'b', offers })], { revision: '2025-11-25' })
    await client.ask('resources/list')
    await client.ask('resources/subscribe', { uri: 'alicia:b:r://1' })
    client.receive(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 's',
        method: 'subscriptions/listen',
        params: { notifications: { resourceSubscriptions: ['alicia:b:r://1'] }, _meta: META },
      }),
    )
    await client.until(({ method }) => method === 'notifications/subscriptions/acknowledged')
    const before = client.lines.length
    const params = '{"uri":"r://1","x":1.0,"_meta":{"k":1e400}}'
    client.mcp.door.events.emit('resource.updated', { provider: 'b', uri: 'r://1', params })
    const told = (members: string) =>
      `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"alicia:b:r://1","x":1.0,"_meta":{"k":1e400${members}}}}`
    assert.deepEqual(client.lines.slice(before), [told(''), told(',"io.modelcontextprotocol/subscriptionId":"s"')])
  })

  test('of a resource that one asks for while another goes do not end with that one', async () => {
    const asked = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    let count = 0
    const a = upstream({
      id: 'a',
      offers: { resources: resources('r://1'), capabilities: { resources: { subscribe: true } } },
      async answer({ method }) {
        if (method !== 'resources/subscribe' || ++count === 1) return '{}'
        asked.resolve()
        await goOn.promise
        return '{}'
      },
    })
    const client = connect([a], { revision: '2025-11-25' })
    await client.ask('resources/subscribe', { uri: 'r://1' })
    client.receive(listenFor('r://1'))
    await asked.promise
    await client.ask('resources/unsubscribe', { uri: 'r://1' })
    goOn.resolve()
    await client.until(({ method }) => method === 'notifications/subscriptions/acknowledged')
    assert.deepEqual(
      a.asked.map(({ method }) => method),
      ['resources/subscribe', 'resources/subscribe'],
    )
  })

  test('of a new client: what it asked for, and is there, and nothing else', async () => {
    const [a] = [
      upstream({
        id: 'a',
        knows: ['r://1'],
        offers: { resources: resources('r://1'), capabilities: { resources: {} } },
      }),
    ]
    const client = connect([a])
    const listening = client.ask('subscriptions/listen', {
      notifications: {
        resourcesListChanged: true,
        promptsListChanged: true,
        resourceSubscriptions: ['r://1', 'no://thing'],
      },
    })
    const { line } = await client.until(({ method }) => method === 'notifications/subscriptions/acknowledged')
    assert.deepEqual(line.params?.['notifications'], { resourcesListChanged: true, resourceSubscriptions: ['r://1'] })
    const { events } = client.mcp.door
    events.emit('tools.changed', { provider: 'a' })
    events.emit('resources.changed', { provider: 'a' })
    events.emit('resource.updated', { provider: 'a', uri: 'r://1' })
    client.channel.close()
    await listening
    assert.deepEqual(
      client.lines.slice(1, 3).map((text) => JSON.parse(text) as Line),
      [
        {
          jsonrpc: '2.0',
          method: 'notifications/resources/list_changed',
          params: { _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } },
        },
        {
          jsonrpc: '2.0',
          method: 'notifications/resources/updated',
          params: { uri: 'r://1', _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } },
        },
      ],
    )
  })

  test('that belong to no request go to whose they are, loud enough', async () => {
    const client = connect([upstream({ id: 'a' })], { revision: '2025-11-25' })
    const changes: string[] = []
    client.mcp.door.events.on('mcp.session', ({ session, change }) => changes.push(`${change} ${session.logLevel}`))
    await client.ask('logging/setLevel', { level: 'error' })
    client.receive('{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}')
    const { events } = client.mcp.door
    const say = (params: string, whose: { session?: string; caller?: string } = {}) =>
      events.emit('mcp.notified', { provider: 'a', method: 'notifications/message', params, ...whose })
    const before = client.lines.length
    say('{"level":"info","data":1}')
    say('{"level":"error","data":2.0}')
    say('{"level":"error","data":3}', { session: 'of another' })
    say('{"level":"error","data":4}', { caller: 'somebody else' })
    events.emit('resource.updated', { provider: 'a', uri: 'r://1', caller: 'somebody else' })
    events.emit('mcp.notified', { provider: 'nobody', method: 'notifications/made/up', params: '{}' })
    assert.deepEqual(client.lines.slice(before), [
      '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":2.0}}',
    ])
    client.channel.close()
    assert.deepEqual(changes, ['level error', 'roots error', 'closed error'])
  })

  test('that belong to no request are not for those who may not use the server', async () => {
    const heard: string[] = []
    const { mcp } = connect([upstream({ id: 'a' })])
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
    for (const scopes of [['mcp:a'], ['mcp:b', 'devices:read']]) {
      const caller = { ...owner, id: scopes.join(), scopes }
      const channel = createChannel({ server: mcp.server, caller, send: (text) => void heard.push(text) })
      channel.receive(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }))
      await channel.settled()
    }
    const before = heard.length
    mcp.door.events.emit('mcp.notified', {
      provider: 'a',
      method: 'notifications/message',
      params: '{"level":"error"}',
    })
    assert.equal(heard.length - before, 1)
  })
})

suite('tasks', () => {
  const capabilities = { tasks: { list: {}, cancel: {} }, extensions: { 'io.modelcontextprotocol/tasks': {} } }
  const runner = (id: string, answer: string) =>
    upstream({ id, tools: [{ name: `start_${id}` }], answer, offers: { capabilities } })

  test("are their maker's, at the server that runs them", async () => {
    const [a, b] = [runner('a', '{"task":{"taskId":"ta"}}'), runner('b', '{"task":{"taskId":"tb"}}')]
    const client = connect([a, b], { revision: '2025-11-25' })
    await client.ask('tools/call', { name: 'start_b', task: {} })
    await client.ask('tasks/get', { taskId: 'tb' })
    assert.deepEqual([a.asked.length, b.asked.length], [0, 2])
    const params = { taskId: 'tb', _meta: META }
    for (const caller of [
      { ...owner, id: 'other' },
      { ...owner, credential: 'another' },
    ]) {
      const stolen: string[] = []
      const other = createChannel({ server: client.mcp.server, caller, send: (text) => void stolen.push(text) })
      other.receive(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tasks/get', params }))
      await other.settled()
      assert.equal((JSON.parse(stolen[0] ?? '') as Line).error?.code, -32602)
    }
    assert.equal(b.asked.length, 2)
  })

  test('of two servers that count alike are told apart', async () => {
    const [a, b] = [runner('a', '{"task":{"taskId":"1"}}'), runner('b', '{"task":{"taskId":"1"}}')]
    const client = connect([a, b], { revision: '2025-11-25' })
    await client.ask('tools/call', { name: 'start_a', task: {} })
    const said: string[] = []
    const caller = { ...owner, id: 'other' }
    const other = createChannel({ server: client.mcp.server, caller, send: (text) => void said.push(text) })
    const ask = async (id: number, method: string, params: object) => {
      other.receive(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      await other.settled()
    }
    await ask(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} })
    await ask(2, 'tools/call', { name: 'start_b', task: {} })
    await ask(3, 'tasks/get', { taskId: '1' })
    assert.deepEqual([a.asked.length, b.asked.length], [1, 2])
    await client.ask('tasks/get', { taskId: '1' })
    assert.deepEqual([a.asked.length, b.asked.length], [2, 2])
  })

  test('of somebody else stand in no list', async () => {
    const answer = async ({ method }: { method: string }) =>
      method === 'tasks/list'
        ? '{"tasks":[{"taskId":"mine"},{"taskId":"of before","n":1.0}]}'
        : '{"task":{"taskId":"mine"}}'
    const a = upstream({ id: 'a', tools: [{ name: 'start_a' }], answer, offers: { capabilities } })
    const client = connect([a], { revision: '2025-11-25' })
    await client.ask('tools/call', { name: 'start_a', task: {} })
    const said: string[] = []
    const caller = { ...owner, id: 'other' }
    const other = createChannel({ server: client.mcp.server, caller, send: (text) => void said.push(text) })
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} }
    other.receive(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }))
    other.receive('{"jsonrpc":"2.0","id":2,"method":"tasks/list"}')
    await other.settled()
    assert.equal(said.at(-1), '{"jsonrpc":"2.0","id":2,"result":{"tasks":[{"taskId":"of before","n":1.0}]}}')
    assert.deepEqual((await client.ask('tasks/list')).line.result?.['tasks'], [
      { taskId: 'mine' },
      { taskId: 'of before', n: 1 },
    ])
  })

  test('are listed server by server', async () => {
    const page = async ({ text }: { text: string | undefined }) =>
      text?.includes('"cursor":"more"') ? '{"tasks":[2]}' : '{"tasks":[1],"nextCursor":"more"}'
    const a = upstream({ id: 'a', offers: { capabilities }, answer: page })
    const b = upstream({ id: 'b', offers: { capabilities }, answer: '{"tasks":[3]}' })
    const client = connect([a, b], { revision: '2025-11-25' })
    const seen: unknown[] = []
    let cursor: unknown
    do {
      const { line } = await client.ask('tasks/list', cursor === undefined ? {} : { cursor })
      seen.push(...(line.result?.['tasks'] as unknown[]))
      cursor = line.result?.['nextCursor']
    } while (cursor !== undefined)
    assert.deepEqual(seen, [1, 2, 3])
    assert.equal((await client.ask('tasks/list', { cursor: 'x' })).line.error?.code, -32602)
  })
})

suite('profiles', () => {
  const work = {
    name: 'work',
    includes: ({ provider }: { provider: Provider }) => provider.id === 'a',
    includesProvider: ({ id }: Provider) => id === 'a',
    list: 'all',
  } as const
  const profiles = { get: (name: string) => (name === 'work' ? work : undefined), names: () => ['work'] }
  const both = () => [
    upstream({ id: 'a', tools: [{ name: 'ta' }], offers: { prompts: prompts('pa'), resources: resources('a://1') } }),
    upstream({
      id: 'b',
      tools: [{ name: 'tb' }],
      offers: { prompts: prompts('pb'), resources: resources('b://1'), instructions: 'Beware.' },
    }),
  ]

  test('have their own lists, and nothing else can be reached through them', async () => {
    const client = connect(both(), { profiles, profile: 'work' })
    const names = async (method: string, member: string) =>
      ((await client.ask(method)).line.result?.[member] as { name?: string; uri?: string }[]).map(
        ({ uri, name }) => uri ?? name,
      )
    assert.deepEqual(await names('tools/list', 'tools'), ['ta'])
    assert.deepEqual(await names('prompts/list', 'prompts'), ['pa'])
    assert.deepEqual(await names('resources/list', 'resources'), ['a://1'])
    for (const [method, params] of [
      ['tools/call', { name: 'tb' }],
      ['tools/call', { name: 'b.tb' }],
      ['prompts/get', { name: 'pb' }],
      ['resources/read', { uri: 'alicia:b:b://1' }],
    ] as const)
      assert.equal((await client.ask(method, params)).line.error?.code, -32602, JSON.stringify(params))
    assert.doesNotMatch((await client.ask('server/discover')).text, /Beware/)
  })

  test('one that does not exist is 404 and names those that do; a session stays in its own', async () => {
    const mcp = testMcp({ profiles })
    const post = async (path: string, body: object, headers: object = {}) => {
      const answer = await mcp.fetch(path, {
        method: 'POST',
        headers: { authorization: 'Bearer owner-token', 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }),
      })
      return { status: answer.status, session: answer.headers.get('mcp-session-id'), text: await answer.text() }
    }
    const initialize = { method: 'initialize', params: { protocolVersion: '2025-11-25' } }
    const unknown = await post('/mcp/play', initialize)
    assert.equal(unknown.status, 404)
    assert.match(unknown.text, /There are: work\./)
    const { session } = await post('/mcp/work', initialize)
    const header = { 'mcp-session-id': session ?? '' }
    assert.equal((await post('/mcp/work', { method: 'ping' }, header)).status, 200)
    assert.equal((await post('/mcp', { method: 'ping' }, header)).status, 404)
  })
})
