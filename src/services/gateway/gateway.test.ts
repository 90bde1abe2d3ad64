import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { definitionWith } from '../../gateway/upstream/definition.fixture.ts'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { ECHO, testGateway } from '../../testing/gateway.ts'
import { owner } from '../../testing/hub.ts'
import { gateway } from './index.ts'

interface Held {
  readonly tools: readonly { readonly tool: string; readonly why: string; readonly fingerprint: string }[]
}

/** A hub with a server whose tools wait for a person from the beginning. */
async function holding(t: TestContext) {
  const place = await testGateway(t)
  const surroundings = { clock: systemClock, events: place.door.events, log: silentLog }
  const part = gateway.join(surroundings, place.door.registry, () => ({ status: 'available', sinceMs: 0 }))
  await part.start({ servers: place.gateway }, new AbortController().signal)
  const echo = definitionWith({
    id: 'echo',
    name: 'echo',
    replicas: [{ transport: ECHO, weight: 1 }],
    newTools: 'hold',
  })
  await place.gateway.apply({ definitions: [echo], unusable: [] })
  await place.gateway.start('echo', AbortSignal.timeout(20_000))
  while (place.gateway.held().length === 0) await place.event('tools.changed')
  const call = async <T = object>(operation: string, input: object = {}, caller = owner) =>
    (await place.door.invoke({ operation, input, caller })) as T
  return { ...place, call, held: () => call<Held>('gateway.review_tools') }
}

suite('gateway operations', () => {
  test('a tool that waits is not callable until it is approved as it was shown', async (t) => {
    const { call, held } = await holding(t)
    const [tool] = (await held()).tools
    assert.deepEqual([tool?.tool, tool?.why], ['echo', 'new'])
    await assert.rejects(call('echo.echo', { text: 'hi' }), { code: 'conflict', message: /is held back: it is new/ })
    await assert.rejects(call('approve_tools', { name: 'echo', fingerprints: { echo: 'another' } }), {
      code: 'conflict',
      message: /is not what was looked at/,
    })
    assert.equal((await held()).tools.length, 1)
    const input = { name: 'echo', tools: ['echo'], fingerprints: { echo: tool?.fingerprint } }
    assert.deepEqual(await call('approve_tools', input), { approved: ['echo'] })
    assert.deepEqual(await held(), { tools: [] })
    assert.deepEqual(await call('echo.echo', { text: 'hi' }), { content: [{ type: 'text', text: 'hi' }] })
  })

  test('all that wait at once; nothing that does not exist', async (t) => {
    const { call } = await holding(t)
    await assert.rejects(call('approve_tools', { name: 'echo', tools: ['ecko'] }), { code: 'not_found' })
    await assert.rejects(call('approve_tools', { name: 'ecko' }), { code: 'not_found', hint: 'Did you mean echo?' })
    assert.deepEqual(await call('approve_tools', { name: 'echo' }), { approved: ['echo'] })
  })

  test('a model cannot approve', async (t) => {
    const { call, held } = await holding(t)
    const model = { ...owner, via: 'mcp' as const }
    await assert.rejects(call('approve_tools', { name: 'echo' }, model), { code: 'forbidden' })
    assert.equal((await held()).tools.length, 1)
  })
})
