import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../../kernel/fault.ts'
import { RelayedError, RelayedResult } from '../../kernel/mcp/relayed.ts'
import { callerWith } from '../../testing/hub.ts'
import { catalogOf, faultOf, peer, profileNamed, tool } from './catalog.fixture.ts'
import { createListing } from './listing.ts'

const TOOLS = [
  tool('files.read_file', 'Reads a file.', {
    inputSchema: {
      type: 'object',
      title: 'Input',
      properties: { path: { type: 'string', title: 'Path', description: 'Where it lies.' } },
      required: ['path'],
    },
  }),
  tool('files.delete_file', 'Deletes a file.', { effect: 'destructive' }),
  tool('lights.switch_light', 'Switches a light on or off.', { effect: 'write' }),
  tool('notes.old', 'Finds what nobody finds.', { listed: false }),
]

interface Found {
  readonly tools: readonly { readonly name: string }[]
  readonly available: number
  readonly next: string
  readonly nearest?: readonly string[]
  readonly servers?: Readonly<Record<string, number>>
}

const names = ({ tools }: Found) => tools.map(({ name }) => name)

suite('find_tools', () => {
  test('answers what a call needs', async () => {
    const { call } = await catalogOf(TOOLS)
    assert.deepEqual(await call('find_tools', { query: 'read a file', limit: 1 }), {
      tools: [
        {
          name: 'read_file',
          server: 'files',
          summary: 'Reads a file.',
          effect: 'read',
          input_schema: {
            type: 'object',
            properties: { path: { type: 'string', description: 'Where it lies.' } },
            required: ['path'],
          },
        },
      ],
      available: 3,
      next: 'Call one by call_tool: {"name": …, "arguments": …} after its input_schema.',
    })
  })

  test('shows what the caller may use, of its profile', async () => {
    const profiles = profileNamed('home', { includes: ({ provider }) => provider.id === 'lights' })
    const { call } = await catalogOf(TOOLS, { profiles })
    const all = { query: '', limit: 25 }
    assert.deepEqual(names((await call('find_tools', all)) as Found), ['delete_file', 'read_file', 'switch_light'])
    const guest = { caller: callerWith('mcp:files') }
    assert.deepEqual(names((await call('find_tools', all, guest)) as Found), ['delete_file', 'read_file'])
    const home = { peer: peer({}, { profile: 'home' }) }
    assert.deepEqual(names((await call('find_tools', all, home)) as Found), ['switch_light'])
    assert.equal((await faultOf(call('find_tools', all, { peer: peer({}, { profile: 'gone' }) }))).code, 'not_found')
  })

  test('one server alone; one that does not exist', async () => {
    const { call } = await catalogOf(TOOLS)
    const found = (await call('find_tools', { query: 'file', server: 'lights' })) as Found
    assert.deepEqual([names(found), found.available], [[], 1])
    const unknown = (await call('find_tools', { server: 'light' })) as Found
    assert.match(unknown.next, /did you mean lights\?/)
  })

  test('nothing is never the end: the nearest names, and what there is', async () => {
    const { call } = await catalogOf(TOOLS)
    const found = (await call('find_tools', { query: 'qqqq swtchlhgt' })) as Found
    assert.deepEqual([names(found), found.nearest, found.servers], [[], ['switch_light'], { files: 2, lights: 1 }])
  })

  test('a tool of exactly that name comes first', async () => {
    const { call } = await catalogOf([...TOOLS, tool('files.read', 'Read read read.')])
    assert.equal(names((await call('find_tools', { query: 'delete_file' })) as Found)[0], 'delete_file')
  })

  test('follows what comes, changes and goes', async () => {
    const { call, registry } = await catalogOf(TOOLS)
    const find = async (query: string) => names((await call('find_tools', { query, limit: 1 })) as Found)
    const provider = (...tools: ReturnType<typeof tool>[]) => ({
      id: 'cars',
      kind: 'upstream' as const,
      tools,
      report: () => ({ status: 'available' as const, sinceMs: 0 }),
    })
    assert.deepEqual(await find('windscreen'), [])
    registry.add(provider(tool('cars.wipe', 'Cleans the windscreen.')))
    assert.deepEqual(await find('windscreen'), ['wipe'])
    registry.add(provider(tool('cars.wipe', 'Cleans the mirror.')))
    assert.deepEqual([await find('windscreen'), await find('mirror')], [[], ['wipe']])
    registry.remove('cars')
    assert.deepEqual(await find('mirror'), [])
  })
})

suite('call_tool', () => {
  test('is the call of the tool, for callers without MCP', async () => {
    const { call } = await catalogOf(TOOLS)
    assert.deepEqual(await call('call_tool', { name: 'read_file', arguments: { path: 'x' } }), {
      did: 'files.read_file',
      input: { path: 'x' },
    })
  })

  test('a tool in no list answers for itself: it may be held back', async () => {
    const { call } = await catalogOf(TOOLS)
    assert.deepEqual(await call('call_tool', { name: 'notes.old' }), { did: 'notes.old', input: {} })
  })

  test('an MCP server behind it hears the client’s own words; its result is untouched and says whose it is', async () => {
    const { call } = await catalogOf(TOOLS)
    const params =
      '{"name":"call_tool","arguments":{"name":"files.read_file","arguments":{"n":1.0,"big":12345678901234567890}},' +
      '"requestState":"s","_meta":{"progressToken":7}}'
    const input = { name: 'files.read_file', arguments: { n: 1 } }
    const result = await call('call_tool', input, { peer: peer(params) })
    assert.ok(result instanceof RelayedResult)
    assert.deepEqual(
      [result.text, result.provider],
      [
        '{"said": {"name":"read_file","arguments":{"n":1.0,"big":12345678901234567890},"requestState":"s","_meta":{"progressToken":7}}}',
        'files',
      ],
    )
  })

  test('progress, questions and log lines go to the client', async () => {
    const notified: string[] = []
    const busy = tool('files.busy', 'Is busy.', {
      async run(_, context) {
        context.emit({ progress: 1 })
        context.log.error('oh')
        return await context.peer?.ask?.('roots/list', '{}', context.signal)
      },
    })
    const { invoke } = await catalogOf([busy])
    const progress: number[] = []
    const result = await invoke({
      operation: 'catalog.call_tool',
      input: { name: 'busy' },
      caller: callerWith('mcp:files'),
      emit: (news) => progress.push(news.progress),
      peer: peer(
        { name: 'call_tool', arguments: { name: 'busy' } },
        {
          logLevel: 'error',
          notify: (method, params) => notified.push(`${method} ${params}`),
          ask: async (method) => new RelayedResult(`{"asked":"${method}"}`),
        },
      ),
    })
    assert.ok(result instanceof RelayedResult)
    assert.deepEqual([result.text, progress], ['{"asked":"roots/list"}', [1]])
    assert.deepEqual(notified, [
      'notifications/message {"level":"error","logger":"files.busy","data":{"message":"oh"}}',
    ])
  })

  for (const [title, name, caller, message] of [
    ['a name that is nearly right', 'raed_file', callerWith('*'), /Did you mean read_file\?/],
    ['a name that is nothing', 'zzzz', callerWith('*'), /find_tools searches the 3/],
    ['a tool beyond the scopes', 'switch_light', callerWith('mcp:files'), /find_tools searches the 2/],
    ['itself', 'call_tool', callerWith('*'), /find_tools searches the 3/],
    ['a method that is no tool', 'catalog/resources/read', callerWith('*'), /find_tools searches the 3/],
  ] as const)
    test(`${title}: not found, with what there is`, async () => {
      const { call } = await catalogOf(TOOLS)
      const fault = await faultOf(call('call_tool', { name }, { caller }))
      assert.equal(fault.code, 'not_found')
      assert.match(fault.hint ?? '', message)
    })

  test('a fault of the tool is the fault; what another server answered stays as it came', async () => {
    const error = new RelayedError('files', { code: -32042, message: 'go there', data: { url: 'x' } })
    const fail = (cause: Error) => ({ run: () => Promise.reject(cause) })
    const { call } = await catalogOf([
      tool('files.a', 'A.', fail(error)),
      tool('files.b', 'B.', fail(new Fault('conflict', 'no'))),
    ])
    assert.equal(await faultOf(call('call_tool', { name: 'a' })), error)
    assert.equal((await faultOf(call('call_tool', { name: 'b' }))).code, 'conflict')
  })
})

suite('list of a profile', () => {
  test('its cost is that of tools which clients can call', async () => {
    const { call } = await catalogOf([tool('a.one', 'One.'), tool('a.two', 'Two.', { forModels: false })])
    const { profiles } = (await call('list_costs', {})) as { profiles: { callable: number }[] }
    assert.equal(profiles[0]?.callable, 1)
  })

  const SMALL = 200
  const LARGE = 5
  for (const [title, list, mostTokens, expected] of [
    ['auto, and few tools', 'auto', SMALL, ['delete_file', 'read_file', 'read_result', 'switch_light']],
    ['auto, and many', 'auto', LARGE, ['call_tool', 'find_tools', 'read_file', 'read_result']],
    ['search', 'search', SMALL, ['call_tool', 'find_tools', 'read_file', 'read_result']],
    ['all', 'all', LARGE, ['delete_file', 'read_file', 'read_result', 'switch_light']],
  ] as const)
    test(title, async () => {
      const { registry } = await catalogOf(TOOLS)
      const listing = createListing({ mostTokens, keepsResults: () => true })
      const profile = profileNamed('p', { list, alwaysLists: ({ name }) => name === 'read_file' }).get('p')
      assert.ok(profile)
      const { entries } = listing(profile, registry.list())
      assert.deepEqual(
        entries.map(({ name }) => name),
        expected,
      )
    })
})
