import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Caller } from '../../kernel/caller.ts'
import { heldClock } from '../../kernel/clock.ts'
import { Fault, type FaultCode } from '../../kernel/fault.ts'
import type { Call } from '../../kernel/invoke.ts'
import type { Peer } from '../../kernel/mcp/peer.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { Hub } from '../../kernel/ports.ts'
import type { Provider } from '../../kernel/registry.ts'
import { notSent } from '../../kernel/resilience/blame.ts'
import type { StatusReport } from '../../kernel/status.ts'
import type { CallContext, Effect, Tool } from '../../kernel/tool.ts'
import { callerWith, owner, testDoor, testHub } from '../../testing/hub.ts'
import { createCandidates } from './candidates.ts'
import { createCatalog } from './catalog.ts'
import type { CapabilityDefinition } from './definition.ts'
import type { Tried } from './execute.ts'
import {
  diagnoseService,
  executeCapability,
  listCapabilities,
  recommendProvider,
  servicesForCapability,
} from './operations.ts'

type Run = (input: Record<string, unknown>, context: CallContext) => Promise<unknown>

interface FakeOptions {
  effect?: Effect
  idempotent?: boolean
  status?: StatusReport['status']
  scope?: string
}

/** A server with one tool, `do`, that does what `run` says. */
function server(id: string, run: Run, { effect = 'read', idempotent, status, scope = `mcp:${id}` }: FakeOptions = {}) {
  const report: StatusReport = { status: status ?? 'available', sinceMs: 0, ...(status && { reason: 'it fell over' }) }
  return { provider: provider(id, ['do'], run, { effect, scope, report, idempotent }), report }
}

function provider(
  id: string,
  names: readonly string[],
  run: Run,
  {
    effect = 'read',
    scope = null,
    report,
    idempotent,
  }: Partial<Pick<Tool, 'effect' | 'scope'>> & { report?: StatusReport; idempotent?: boolean | undefined },
): Provider {
  const tools = names.map((name): Tool => ({
    name: `${id}.${name}`,
    summary: name,
    scope,
    effect,
    idempotent: idempotent ?? effect === 'read',
    openWorld: false,
    streams: false,
    inputSchema: {},
    parse: (input) => input,
    checkOutput: () => {},
    run: (input, context) => run(input as Record<string, unknown>, context),
  }))
  return { id, kind: 'upstream', tools, report: () => report ?? { status: 'available', sinceMs: 0 } }
}

const answers =
  (text: string): Run =>
  async () => ({ content: [{ type: 'text', text }] })
const fails =
  (code: FaultCode, says: string = code): Run =>
  () =>
    Promise.reject(new Fault(code, `It says ${says}.`))
const hangs: Run = (_, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

const speak: CapabilityDefinition = {
  name: 'speak',
  description: 'Says something.',
  input: { text: { type: 'string' }, voice: { type: 'string', default: 'alloy' } },
  providers: [
    {
      tool: 'first.do',
      arguments: { say: '{{input.text}}', as: '{{input.voice}}' },
      result: { heard: '{{result.text}}' },
    },
    { tool: 'second.do', result: { heard: '{{result.text}}' } },
  ],
}

function setUp(
  providers: readonly Provider[],
  definitions: readonly CapabilityDefinition[] = [speak],
  more: Partial<Hub> = {},
) {
  const clock = heldClock()
  const source = { definitions }
  const tools = () => [listCapabilities, executeCapability, recommendProvider, diagnoseService, servicesForCapability]
  const late = {} as Parameters<typeof executeCapability.bind>[0]
  const door = testDoor(
    tools().map((operation) => operation.bind(late)),
    { clock },
  )
  for (const one of providers) door.registry.add(one)
  Object.assign(late, {
    hub: testHub(door, more),
    clock,
    events: door.events,
    catalog: createCatalog(door.registry, door.events, () => source.definitions),
    candidates: createCandidates(door.registry, door.events, clock),
  })
  const call = async (operation: string, input: object, more: Partial<Call> = {}) =>
    (await door.invoke({ operation: `capabilities.${operation}`, input, caller: owner, ...more })) as Record<
      string,
      unknown
    >
  const run = (args: object = { text: 'hi' }, more: object = {}, caller: Caller = owner) =>
    call('execute_capability', { capability: 'speak', arguments: args, ...more }, { caller })
  return { door, clock, call, run, source }
}

const outcomes = (tried: unknown) => (tried as Tried[]).map(({ provider, outcome }) => `${provider} ${outcome}`)

suite('execute a capability', () => {
  test('by the first, with arguments and result translated', async () => {
    let given: unknown
    const first = server('first', async (input) => ((given = input), { content: [{ type: 'text', text: 'done' }] }))
    const { run } = setUp([first.provider, server('second', fails('unavailable')).provider])
    const { tried, ...output } = await run()
    assert.deepEqual(given, { say: 'hi', as: 'alloy' })
    assert.deepEqual(output, {
      result: { heard: 'done' },
      answered_by: 'first',
      tool: 'first.do',
      why: 'preferred, and it is well',
    })
    assert.deepEqual(outcomes(tried), ['first ok'])
  })

  // What the first one does, what it is, and whether the second one is asked then.
  const cases: [string, Run, FakeOptions, string[] | FaultCode][] = [
    ['a read fails', fails('upstream_failed'), {}, ['first upstream_failed', 'second ok']],
    ['a read finds nothing', fails('not_found'), {}, ['first not_found', 'second ok']],
    ['a defect', () => Promise.reject(new TypeError('x')), {}, ['first internal', 'second ok']],
    ['dies during a read', fails('unavailable'), {}, ['first unavailable', 'second ok']],
    ['dies during a write', fails('unavailable'), { effect: 'write' }, 'unavailable'],
    [
      'dies during a write that may be repeated',
      fails('unavailable'),
      { effect: 'write', idempotent: true },
      ['first unavailable', 'second ok'],
    ],
    [
      'a write that was never sent',
      () => Promise.reject(notSent(new Fault('unavailable', 'busy'))),
      { effect: 'write' },
      ['first unavailable', 'second ok'],
    ],
    [
      'refuses what it is given',
      fails('invalid_input'),
      { effect: 'destructive' },
      ['first invalid_input', 'second ok'],
    ],
    ['says no in the middle of a write', fails('conflict'), { effect: 'write' }, 'conflict'],
    [
      'is known to be down',
      fails('internal'),
      { status: 'unavailable', effect: 'write' },
      ['first skipped', 'second ok'],
    ],
    ['works badly: the other one is preferred', answers('x'), { status: 'degraded' }, ['second ok']],
    ['was not needed yet', answers('x'), { status: 'unknown' }, ['first ok']],
  ]
  for (const [name, does, options, expected] of cases)
    test(`when the first one ${name}`, async () => {
      const { run, door } = setUp([server('first', does, options).provider, server('second', answers('ok')).provider])
      const fellBack: string[] = []
      door.events.on('capability.fell_back', ({ capability, to }) => fellBack.push(`${capability} ${to}`))
      if (typeof expected === 'string')
        await assert.rejects(run(), (fault: Fault) => {
          assert.equal(fault.code, expected)
          assert.match(fault.message, /It may have happened all the same, so nobody else was asked\.$/)
          assert.equal(fault.retryable, false)
          return true
        })
      else {
        assert.deepEqual(outcomes((await run())['tried']), expected)
        assert.deepEqual(fellBack, expected.at(-1) === 'second ok' ? ['speak second'] : [])
      }
    })

  test('a slow one gets half of the time, and the other the rest', async () => {
    const { run, clock } = setUp([server('first', hangs).provider, server('second', answers('ok')).provider])
    const result = run({ text: 'hi' }, { timeout_seconds: 10 })
    await new Promise(setImmediate)
    clock.advance(5000)
    const { answered_by, tried, why } = await result
    assert.equal(answered_by, 'second')
    assert.deepEqual(outcomes(tried), ['first timeout', 'second ok'])
    assert.equal(why, 'it is well; first failed')
  })

  test('a failing one is not tried again before the next: no waiting between', async () => {
    let calls = 0
    const first = server('first', () => (calls++, Promise.reject(new Fault('unavailable', 'gone'))))
    const { run } = setUp([first.provider, server('second', answers('ok')).provider])
    await run()
    assert.equal(calls, 1)
  })

  test('one that keeps failing is asked last, until it is well again', async () => {
    const first = server('first', fails('upstream_failed'))
    const { run, clock, call } = setUp([first.provider, server('second', answers('ok')).provider])
    for (let turn = 0; turn < 5; turn++) await run()
    assert.deepEqual(outcomes((await run())['tried']), ['second ok'])
    const { options } = await call('recommend_provider', { capability: 'speak' })
    assert.match(JSON.stringify(options), /"health":"not_well","reason":"5 calls in a row failed/)
    clock.advance(2000)
    assert.deepEqual(outcomes((await run())['tried']), ['first upstream_failed', 'second ok'])
  })

  test('all down: the first is asked, since it may be about to come back', async () => {
    const down = { status: 'unavailable' } as const
    const { run } = setUp([
      server('first', answers('ok'), down).provider,
      server('second', answers('ok'), down).provider,
    ])
    const { tried, why } = await run()
    assert.deepEqual(outcomes(tried), ['second skipped', 'first ok'])
    assert.equal(why, 'nobody is better (unavailable since 1970-01-01T00:00:00.000Z: it fell over); second is down')
  })

  test('all fail: the fault tells of each', async () => {
    const { run } = setUp([
      server('first', fails('upstream_failed', 'A')).provider,
      server('second', fails('conflict', 'B')).provider,
    ])
    await assert.rejects(run(), (fault: Fault) => {
      assert.equal(fault.message, 'speak failed. It says A. It says B.')
      assert.deepEqual(outcomes(fault.details?.['tried']), ['first upstream_failed', 'second conflict'])
      return true
    })
  })

  test('nobody there', async () => {
    const { run } = setUp([])
    await assert.rejects(run(), {
      code: 'unavailable',
      message: /^Nobody can do speak now: there is no tool called first\.do now/,
    })
  })

  test("the caller's own scopes count, not the hub's", async () => {
    const providers = [server('first', answers('secret')).provider, server('second', answers('open')).provider]
    const { run } = setUp(providers)
    const { tried } = await run({ text: 'hi' }, {}, callerWith('capabilities:use', 'mcp:second'))
    assert.deepEqual(outcomes(tried), ['first forbidden', 'second ok'])
    await assert.rejects(run({ text: 'hi' }, {}, callerWith('capabilities:use')), { code: 'forbidden' })
    await assert.rejects(run({ text: 'hi' }, {}, callerWith('mcp:*')), { code: 'forbidden' })
  })

  test('only those that were named', async () => {
    const { run } = setUp([server('first', answers('1')).provider, server('second', answers('2')).provider])
    assert.equal((await run({ text: 'hi' }, { providers: ['second'] }))['answered_by'], 'second')
    await assert.rejects(run({ text: 'hi' }, { providers: ['third'] }), { code: 'not_found' })
  })

  const wrong: [string, object, RegExp][] = [
    ['a missing argument', {}, /text: missing/],
    ['a wrong type', { text: 1 }, /text: expected string/],
    ['an unknown one', { text: 'a', vioce: 'b' }, /vioce: unknown \(did you mean voice\?\)/],
  ]
  for (const [name, args, says] of wrong)
    test(`refuses ${name}`, () => assert.rejects(setUp([]).run(args), { code: 'invalid_input', message: says }))

  test('a withdrawn call ends, and nobody else is asked', async () => {
    let asked = 0
    const second = server('second', () => (asked++, Promise.resolve({})))
    const { call } = setUp([server('first', hangs).provider, second.provider])
    const gone = new AbortController()
    const input = { capability: 'speak', arguments: { text: 'x' } }
    const ended = assert.rejects(call('execute_capability', input, { signal: gone.signal }), { code: 'cancelled' })
    await new Promise(setImmediate)
    gone.abort()
    await ended
    assert.equal(asked, 0)
  })

  test('an error hidden in a good answer is one', async () => {
    const soft: CapabilityDefinition = {
      name: 'speak',
      description: 'x',
      input: { text: { type: 'string' } },
      providers: [{ tool: 'first.do', error: '{{result.json.error}}' }, { tool: 'second.do' }],
    }
    const { run } = setUp(
      [server('first', answers('{"error":"no credit"}')).provider, server('second', answers('ok')).provider],
      [soft],
    )
    const [first] = (await run())['tried'] as Tried[]
    assert.deepEqual([first?.outcome, first?.reason], ['upstream_failed', 'first: no credit'])
  })

  test('pictures stay content for an MCP client', async () => {
    const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' }
    const plain: CapabilityDefinition = { name: 'speak', description: 'x', providers: [{ tool: 'first.do' }] }
    const { call } = setUp([server('first', async () => ({ content: [image] })).provider], [plain])
    const input = { capability: 'speak' }
    assert.deepEqual((await call('execute_capability', input))['result'], { content: [image] })
    const relayed: unknown = await call('execute_capability', input, { peer: { params: '{}' } as Peer })
    assert.ok(relayed instanceof RelayedResult)
    assert.deepEqual((relayed.value['content'] as unknown[])[0], image)
  })
})

suite('capabilities', () => {
  const filesystem = provider(
    'files',
    ['read_text_file', 'write_file', 'list_directory'],
    async () => ({ content: 'a\nb' }),
    {},
  )

  test('a server is recognised by its tools, and offers what it can', async () => {
    const { call, door } = setUp([filesystem], [])
    const { capabilities } = await call('list_capabilities', {})
    assert.deepEqual(
      (capabilities as { name: string; providers: string[] }[]).map(({ name, providers }) => [name, providers]),
      [
        ['list_files', ['files']],
        ['read_file', ['files']],
        ['write_file', ['files']],
      ],
    )
    const { result } = await call('execute_capability', { capability: 'list_files', arguments: { path: '/' } })
    assert.deepEqual(result, { entries: ['a', 'b'] })
    door.registry.remove('files')
    assert.deepEqual((await call('list_capabilities', {}))['capabilities'], [])
  })

  test('what the configuration defines comes before a preset of that name', async () => {
    const own: CapabilityDefinition = {
      name: 'read_file',
      description: 'Mine.',
      providers: [{ tool: 'files.write_file' }],
    }
    const { call } = setUp([filesystem], [own])
    const { services } = await call('services_for_capability', { capability: 'read_file' })
    assert.deepEqual(services, [{ provider: 'files', tool: 'files.write_file', health: 'well' }])
  })

  test('definitions change while it runs', async () => {
    const { call, source } = setUp([server('first', answers('1')).provider], [])
    await assert.rejects(call('recommend_provider', { capability: 'speak' }), { code: 'not_found' })
    source.definitions = [speak]
    assert.equal((await call('recommend_provider', { capability: 'speak' }))['recommended'], 'first')
  })

  test('recommends the healthiest, and says why', async () => {
    const first = server('first', answers('1'))
    const { call } = setUp([first.provider, server('second', answers('2')).provider])
    assert.equal((await call('recommend_provider', { capability: 'speak' }))['recommended'], 'first')
    Object.assign(first.report, { status: 'unavailable', reason: 'it is gone' })
    const { recommended, options } = await call('recommend_provider', { capability: 'speak' })
    assert.equal(recommended, 'second')
    assert.match(JSON.stringify(options), /"first".*"down".*it is gone/)
    await assert.rejects(call('recommend_provider', { capability: 'speek' }), {
      code: 'not_found',
      hint: 'Did you mean speak?',
    })
  })

  test('diagnoses in plain words', async () => {
    const first = server('first', fails('upstream_failed'))
    const { call, run } = setUp([first.provider, server('second', answers('ok')).provider])
    for (let turn = 0; turn < 10; turn++) await run({ text: 'x' }, { providers: ['first'] }).catch(() => undefined)
    Object.assign(first.report, { status: 'unavailable', reason: 'it is gone' })
    const { recommendations, since, ...diagnosis } = await call('diagnose_service', { name: 'first' })
    assert.deepEqual(diagnosis, {
      name: 'first',
      kind: 'upstream',
      status: 'unavailable',
      reason: 'it is gone',
      calls: 10,
      errors: 10,
      last_call_ms: 0,
      capabilities: ['speak'],
    })
    assert.equal(since, '1970-01-01T00:00:00.000Z')
    assert.deepEqual(recommendations, [
      'It is down: `alicia logs first` shows what it said last, `alicia inspect first` how it is started.',
      '100 % of its calls failed: look at what they have in common.',
      'Meanwhile execute_capability asks second for what it shares with it.',
    ])
    assert.deepEqual((await call('diagnose_service', { name: 'second' }))['recommendations'], ['All is well.'])
    await assert.rejects(call('diagnose_service', { name: 'third' }), { code: 'not_found' })
  })

  test('diagnoses whatever there is, and says what brings it back', async () => {
    const at = (name: string, more: object = {}) => ({ name, needs: [], status: 'unavailable', sinceMs: 0, ...more })
    const states = {
      halted: 'stopped',
      locked: 'needs_login',
      broken: 'failed',
      wrong: 'failed',
      trying: 'backing_off',
      waits: 'stopped',
    }
    const hub = {
      parts: () => [
        at('broker', { status: 'available' }),
        at('bus'),
        ...Object.keys(states).map((name) => at(name, name === 'waits' ? { needs: ['broken'] } : {})),
      ],
      gateway: () => ({ servers: () => Object.entries(states).map(([id, state]) => ({ id, state })) }),
      control: { states: () => [{ name: 'bus', state: 'stopped' }] },
    }
    const broken = server('broken', fails('upstream_failed'), { status: 'unavailable' })
    const { call } = setUp([broken.provider], [speak], hub as unknown as Partial<Hub>)
    const says = async (name: string) => {
      const { kind, recommendations } = await call('diagnose_service', { name })
      return [kind, ...(recommendations as string[])].join(': ')
    }
    assert.equal(await says('broker'), 'part: All is well.')
    assert.match(await says('bus'), /^part: .* it was stopped: `alicia call start_service name=bus` starts it\.$/)
    assert.match(await says('halted'), /^upstream: .* it was stopped: `alicia restart halted` starts it\.$/)
    assert.match(await says('locked'), /`alicia login locked`/)
    assert.match(await says('broken'), /given up until `alicia restart broken`/)
    assert.match(await says('wrong'), /^upstream: Its definition is wrong/)
    assert.match(await says('trying'), /started again by itself/)
    assert.match(await says('waits'), /because of what it needs/)
    await assert.rejects(call('diagnose_service', { name: 'brokr' }), { hint: 'Did you mean broker?' })
  })

  const mistakes: [string, unknown, RegExp][] = [
    ['no provider', { name: 'a', description: 'x', providers: [] }, /providers: too small/],
    ['a bad name', { name: 'A b', description: 'x', providers: [{ tool: 'x' }] }, /lower_case_words/],
    ['an unknown key', { name: 'a', description: 'x', providers: [{ tool: 'x', retries: 2 }] }, /retries: unknown/],
    [
      'a mapping that speaks of what there is not',
      { name: 'a', description: 'x', providers: [{ tool: 'x', arguments: { t: '{{inputs.text}}' } }] },
      /"a" .* providers\[0\]\.arguments: t: .*did you mean input\?/,
    ],
    [
      'arguments made of a result',
      { name: 'a', description: 'x', providers: [{ tool: 'x', arguments: { t: '{{result.text}}' } }] },
      /speaks of result, which there is not/,
    ],
  ]
  for (const [name, definition, says] of mistakes)
    test(`a definition with ${name} is refused`, () =>
      assert.throws(() => setUp([], [definition as CapabilityDefinition]), { code: 'invalid_input', message: says }))

  test('and so is one that is there twice', () =>
    assert.throws(() => setUp([], [speak, speak]), { message: /speak is defined twice/ }))
})
