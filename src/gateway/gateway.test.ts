import assert from 'node:assert/strict'
import process from 'node:process'
import { suite, test } from 'node:test'
import type { ServerDefinition } from '../kernel/mcp/server-definition.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { ECHO, testGateway, type TestGateway } from '../testing/gateway.ts'
import { owner } from '../testing/hub.ts'
import { httpUpstream } from '../testing/upstreams/http-upstream.ts'
import { definitionWith } from './upstream/definition.fixture.ts'

const echo = (more: Partial<ServerDefinition> = {}): ServerDefinition =>
  definitionWith({ id: 'echo', name: 'echo', replicas: [{ transport: ECHO, weight: 1 }], ...more })

const say = ({ door }: TestGateway, text: string, operation = 'echo') =>
  door.invoke({ operation, input: { text }, caller: owner })

const said = (text: string) => ({ content: [{ type: 'text', text }] })

async function running(test: Parameters<typeof testGateway>[0], definition = echo(), options = {}) {
  const place = await testGateway(test, options)
  const listed = place.event('tools.changed', ({ provider }) => provider === definition.id)
  await place.gateway.apply({ definitions: [definition], unusable: [] })
  await listed
  await place.gateway.start(definition.id, AbortSignal.timeout(10_000))
  while (place.door.registry.list().length === 0) await place.event('tools.changed')
  return place
}

suite('gateway', () => {
  test('a server is started, listed and called', async (t) => {
    const place = await running(t)
    assert.deepEqual(await say(place, 'hello'), said('hello'))
    const report = await place.gateway.server('echo')
    assert.deepEqual(
      [report.state, report.tools, report.revision, report.server?.name, report.restarts],
      ['ready', 1, '2025-11-25', 'echo', 0],
    )
    assert.ok((report.memoryMegabytes ?? 0) > 1)
    assert.ok((report.cpuSeconds ?? 0) > 0)
  })

  test('one that is killed is started again; a call meanwhile waits for it', async (t) => {
    const place = await running(t)
    const down = place.event('status.changed', ({ status }) => status === 'unavailable')
    process.kill(pidOf(place), 'SIGKILL')
    await down
    assert.deepEqual(await say(place, 'again'), said('again'))
    assert.equal((await place.gateway.server('echo')).restarts, 1)
  })

  test('a call ends with the time limit of its server', async (t) => {
    const place = await running(t, echo({ timeoutMs: 100 }))
    process.kill(pidOf(place), 'SIGSTOP')
    await assert.rejects(say(place, 'hello'), { code: 'timeout', message: /0\.1 s/ })
    process.kill(pidOf(place), 'SIGCONT')
  })

  test('one that hung for a while was not restarted', async (t) => {
    const place = await running(t)
    const hurried = { operation: 'echo', input: { text: 'hello' }, caller: owner, timeoutMs: 100 }
    const status = (wanted: string) => place.event('status.changed', ({ status: now }) => now === wanted)
    const sick = status('degraded')
    process.kill(pidOf(place), 'SIGSTOP')
    for (let count = 0; count < 3; count++) await assert.rejects(place.door.invoke(hurried), { code: 'timeout' })
    await sick
    const well = status('available')
    process.kill(pidOf(place), 'SIGCONT')
    await place.gateway.check('echo', AbortSignal.timeout(10_000))
    await say(place, 'hello')
    await well
    assert.equal((await place.gateway.server('echo')).restarts, 0)
  })

  for (const [what, effect, says] of [
    [
      'what changes something may have been done',
      'write',
      /^echo: it was ended by SIGKILL.* It may have been done, or not/,
    ],
    ['what only reads is asked again', 'read', undefined],
  ] as const)
    test(`one that dies during a call: ${what}`, async (t) => {
      const place = await running(t, echo({ overrides: new Map([['echo', { effect }]]) }))
      const pid = pidOf(place)
      process.kill(pid, 'SIGSTOP')
      const answer = say(place, 'hello')
      await new Promise(setImmediate)
      process.kill(pid, 'SIGKILL')
      if (says)
        await assert.rejects(answer, { code: 'upstream_failed', message: says, hint: /^Look whether it took effect/ })
      else assert.deepEqual(await answer, said('hello'))
    })

  test('what needs it hears at once that it is down, whoever is between them', async (t) => {
    const place = await running(t)
    const second = echo({ id: 'second', name: 'second', needs: ['echo'] })
    const third = echo({ id: 'third', name: 'third', needs: ['second'] })
    await place.gateway.apply({ definitions: [echo(), second, third], unusable: [] })
    for (const id of ['second', 'third']) await place.gateway.start(id, AbortSignal.timeout(10_000))
    const told = place.event('status.changed', ({ name }) => name === 'third')
    await place.gateway.stop('echo')
    await told
    assert.match((await place.gateway.server('third')).reason ?? '', /^echo is down since/)
  })

  test('one whose definition changes says so, and not that the hub ends', async (t) => {
    const place = await running(t)
    const told = place.event('status.changed', ({ reason = '' }) => /configuration changed/.test(reason))
    await place.gateway.apply({ definitions: [echo({ fingerprint: 'another' })], unusable: [] })
    await told
    assert.deepEqual(await say(place, 'new'), said('new'))
  })

  test('a session that its server forgot costs no call', async (t) => {
    const { url, received } = await httpUpstream(t, 'loses-session')
    const transport = { kind: 'http', url, headers: {}, mode: 'auto' } as const
    // Nothing that might be asked twice.
    const overrides = new Map([['echo', { effect: 'destructive' } as const]])
    const place = await running(t, echo({ replicas: [{ transport, weight: 1 }], overrides }))
    const sessions = () => received.filter(({ asked }) => asked?.method === 'initialize').length
    for (const before = sessions(); sessions() === before;) assert.deepEqual(await say(place, 'hello'), said('hello'))
  })

  test('after a restart of the hub its tools are there before it is', async (t) => {
    const folder = temporaryFolder(t)
    const first = await running(t, echo(), { folder })
    await first.close()
    const second = await testGateway(t, { folder })
    const cold = echo({ start: 'on_demand' })
    await second.gateway.apply({ definitions: [cold], unusable: [] })
    assert.deepEqual(
      second.door.registry.list().map(({ name }) => name),
      ['echo'],
    )
    assert.equal((await second.gateway.server('echo')).state, 'stopped')
    assert.deepEqual(await say(second, 'wake up'), said('wake up'))
  })

  test('one whose tools cannot be registered is named, and the others run', async (t) => {
    const folder = temporaryFolder(t)
    const first = await running(t, echo(), { folder })
    const [entry] = first.door.registry.list()
    await first.close()
    const second = await testGateway(t, { folder })
    const report = () => ({ status: 'available', sinceMs: 0 }) as const
    if (entry) second.door.registry.add({ id: 'other', kind: 'service', tools: [entry.tool], report })
    const well = echo({ id: 'well', name: 'well' })
    await second.gateway.apply({ definitions: [echo(), well], unusable: [] })
    assert.deepEqual(
      second.gateway.servers().map(({ id, state }) => [id, state === 'failed']),
      [
        ['echo', true],
        ['well', false],
      ],
    )
  })

  test('one that starts on demand is started once, to learn its tools', async (t) => {
    const place = await testGateway(t)
    const listed = place.event('tools.changed', ({ provider }) => provider === 'echo' && isListed(place))
    await place.gateway.apply({ definitions: [echo({ start: 'on_demand' })], unusable: [] })
    await listed
    assert.deepEqual(await say(place, 'hello'), said('hello'))
  })

  test('people whose connections have ended make room for others', async (t) => {
    const place = await testGateway(t)
    const nowhere = { kind: 'stdio', command: '/nowhere', args: [], env: {} } as const
    const oauth = { grant: 'authorization_code', allowPrivateAddresses: false } as const
    const definition = echo({
      oauth,
      start: 'on_demand',
      replicas: [{ transport: nowhere, weight: 1 }],
      patienceMs: 0,
      // Once each is enough: to start a program takes a large process long.
      restart: { firstDelayMs: 60_000, mostDelayMs: 60_000, mostAttempts: 5 },
    })
    await place.gateway.apply({ definitions: [definition], unusable: [] })
    for (let count = 0; count < 70; count++) {
      const caller = { ...owner, id: `person ${count}`, via: 'mcp' } as const
      await assert.rejects(place.door.invoke({ operation: 'echo/*', input: { method: 'x/y', params: {} }, caller }), {
        code: 'unavailable',
        message: /^echo is unavailable since/,
      })
      await new Promise(setImmediate)
    }
  })

  test('secrets in a command are in no report and no fault', async (t) => {
    const place = await testGateway(t)
    const command = { kind: 'stdio', command: '/nowhere/s3cret-path', args: ['--key', 's3cret-key'], env: {} } as const
    const secrets = ['s3cret-path', 's3cret-key']
    await place.gateway.apply({
      definitions: [echo({ secrets, replicas: [{ transport: command, weight: 1 }] })],
      unusable: [],
    })
    await assert.rejects(place.gateway.start('echo', AbortSignal.timeout(10_000)), (fault: Error) => {
      assert.match(JSON.stringify([fault, fault.message]), /\/nowhere\/\[hidden\]/)
      assert.doesNotMatch(JSON.stringify([fault, fault.message]), /s3cret/)
      return true
    })
    const all = JSON.stringify([place.gateway.servers(), place.gateway.log('echo', 100)])
    assert.match(all, /--key \[hidden\]/)
    assert.doesNotMatch(all, /s3cret/)
  })

  test('a change touches only what changed; what is gone is gone', async (t) => {
    const place = await running(t)
    const before = pidOf(place)
    const other = echo({ id: 'other', name: 'other' })
    const listed = place.event('tools.changed', ({ provider }) => provider === 'other')
    await place.gateway.apply({ definitions: [echo(), other], unusable: [] })
    await listed
    await place.gateway.start('other', AbortSignal.timeout(10_000))
    while (place.door.registry.list().length < 2) await place.event('tools.changed')
    assert.equal(pidOf(place), before)
    assert.deepEqual(
      place.door.registry.list().map(({ name }) => name),
      ['echo', 'other_echo'],
    )
    await place.gateway.apply({ definitions: [other], unusable: [] })
    assert.deepEqual(
      place.door.registry.list().map(({ name }) => name),
      ['other_echo'],
    )
    assert.deepEqual(await say(place, 'still here', 'other_echo'), said('still here'))
  })

  test('who has which name outlives the hub, whoever comes up first', async (t) => {
    const folder = temporaryFolder(t)
    const names = ({ door }: TestGateway) => door.registry.list().map(({ name, tool }) => `${name}: ${tool.name}`)
    const first = await running(t, echo({ id: 'late', name: 'late' }), { folder })
    assert.deepEqual(names(first), ['echo: late.echo'])
    await first.close()
    const second = await testGateway(t, { folder })
    const definitions = ['early', 'late'].map((id) => echo({ id, name: id }))
    await second.gateway.apply({ definitions, unusable: [] })
    await second.gateway.start('early', AbortSignal.timeout(10_000))
    assert.deepEqual(names(second), ['early_echo: early.echo', 'echo: late.echo'])
  })

  test('one of two replicas dies in the middle of calls: nobody notices', async (t) => {
    const replica = { transport: ECHO, weight: 1 }
    const place = await running(t, echo({ replicas: [replica, replica] }))
    // A few at once: more than a fifth of all calls is not repeated, so that an outage is not made worse.
    for (let round = 0; round < 40; round++) {
      const answers = Array.from({ length: 5 }, (_, at) => say(place, `${round} ${at}`))
      if (round === 20) process.kill(pidOf(place), 'SIGKILL')
      for (const [at, answer] of (await Promise.all(answers)).entries())
        assert.deepEqual(answer, said(`${round} ${at}`))
    }
  })

  test('what it needs and is down is the reason it does not start', async (t) => {
    let isDown = true
    const place = await testGateway(t, {
      // In the middle of a year: it is that year in every time zone.
      statusOf: () => ({ status: isDown ? 'unavailable' : 'available', sinceMs: Date.UTC(1970, 6) }),
    })
    await place.gateway.apply({ definitions: [echo({ needs: ['broker'], patienceMs: 100 })], unusable: [] })
    const { reason, waitsFor } = await place.gateway.server('echo')
    assert.match(reason ?? '', /broker is down since 1970/)
    assert.equal(waitsFor, reason)
    isDown = false
    const up = place.event('status.changed', ({ name, status }) => name === 'echo' && status === 'available')
    place.door.events.emit('status.changed', { name: 'broker', status: 'available' })
    await up
  })

  test('one that cannot be run is listed with the reason', async (t) => {
    const place = await testGateway(t)
    const reason = 'mcp.json:4: the variable TOKEN is not set'
    await place.gateway.apply({ definitions: [], unusable: [{ id: 'gh', name: 'GitHub', enabled: true, reason }] })
    assert.equal((await place.gateway.server('gh')).reason, reason)
    await assert.rejects(place.gateway.start('GitHub', AbortSignal.timeout(100)), {
      code: 'conflict',
      message: /mcp.json:4/,
    })
    await assert.rejects(place.gateway.start('ghh', AbortSignal.timeout(100)), { code: 'not_found', hint: /gh/ })
  })
})

const isListed = ({ door }: TestGateway) => door.registry.has('echo')

/** Of the echo server's process: it is its group's leader. */
function pidOf({ gateway }: TestGateway): number {
  const line = gateway.log('echo', 500).findLast(({ text }) => /process \d+/.test(text))?.text ?? ''
  return Number(/process (\d+)/.exec(line)?.[1])
}
