import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { z } from 'zod'
import { definitionWith } from '../../gateway/upstream/definition.fixture.ts'
import { Fault } from '../../kernel/fault.ts'
import { createLog, silentLog } from '../../kernel/log.ts'
import type { Transport } from '../../kernel/mcp/server-definition.ts'
import { operation } from '../../kernel/operation.ts'
import { testGateway } from '../../testing/gateway.ts'
import { json, listen } from '../../testing/http-server.ts'
import { owner, testDoor } from '../../testing/hub.ts'
import { honestAnswer, type Asked } from '../../testing/upstreams/honest.ts'
import { parseTraceparent } from './traceparent.ts'
import { openTracing } from './tracing.ts'

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string }
}

interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly attributes: readonly Attribute[]
  readonly status: { readonly code?: number; readonly message?: string }
}

interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  }[]
}

/** A collector that speaks OTLP/HTTP with JSON, and a tracing that sends to it. */
async function collected(t: TestContext) {
  const bodies: { readonly path: string | undefined; readonly body: OtlpBody }[] = []
  const url = await listen(t, async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString()
    bodies.push({ path: request.url, body: JSON.parse(text) as OtlpBody })
    json(response, 200, {})
  })
  const tracing = openTracing({ url, version: '1.2.3', log: silentLog })
  const spans = async () => {
    await tracing.close()
    return bodies.flatMap(({ body }) =>
      body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    )
  }
  return { tracing, bodies, spans }
}

const valuesOf = (attributes: readonly Attribute[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]))

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'

const lamps = (failure?: Fault) =>
  operation()({
    name: 'lamps.switch_on',
    summary: 'Switches on.',
    scope: null,
    effect: 'write',
    input: z.object({}),
    output: z.object({}),
    handler: async () => {
      if (failure) throw failure
      return {}
    },
  }).bind({})

suite('tracing', () => {
  test("a call is a span of the caller's trace", async (t) => {
    const { tracing, spans, bodies } = await collected(t)
    const { invoke } = testDoor([lamps()], { tracer: tracing })
    await invoke({ operation: 'switch_on', input: {}, caller: owner, trace: `00-${TRACE}-${PARENT}-01` })
    const [span, ...more] = await spans()
    assert.deepEqual(more, [])
    assert.deepEqual([span?.name, span?.traceId, span?.parentSpanId, span?.kind], ['lamps.switch_on', TRACE, PARENT, 2])
    assert.deepEqual(valuesOf(span?.attributes ?? []), {
      'alicia.operation': 'lamps.switch_on',
      'alicia.provider': 'lamps',
      'alicia.via': 'internal',
      'alicia.effect': 'write',
      'alicia.outcome': 'ok',
    })
    const [first] = bodies
    assert.equal(first?.path, '/v1/traces')
    assert.deepEqual(valuesOf(first?.body.resourceSpans[0]?.resource.attributes ?? []), {
      'service.name': 'alicia',
      'service.version': '1.2.3',
    })
  })

  test('a call that fails says how, and not what a server said', async (t) => {
    const { tracing, spans } = await collected(t)
    const { invoke } = testDoor([lamps(new Fault('upstream_failed', 'password is hunter2'))], { tracer: tracing })
    await assert.rejects(invoke({ operation: 'switch_on', input: {}, caller: owner, trace: 'nonsense' }))
    const found = await spans()
    assert.deepEqual(found[0]?.status, { code: 2, message: 'upstream_failed' })
    assert.equal(found[0]?.parentSpanId, undefined)
    assert.ok(!JSON.stringify(found).includes('hunter2'))
  })

  test('a caller who does not record is not recorded either', async (t) => {
    const { tracing, spans } = await collected(t)
    const { invoke } = testDoor([lamps()], { tracer: tracing })
    await invoke({ operation: 'switch_on', input: {}, caller: owner, trace: `00-${TRACE}-${PARENT}-00` })
    assert.deepEqual(await spans(), [])
  })

  test('another MCP server is told of the step that asks it, and of nothing when nothing is traced', async (t) => {
    const asked: (Asked & { readonly params?: { readonly _meta?: { readonly traceparent?: string } } })[] = []
    const server = await listen(t, async (request, response) => {
      if (request.method !== 'POST') return void response.writeHead(405).end()
      const message = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Asked
      asked.push(message)
      const answer = honestAnswer(message, 'legacy')
      if (answer) json(response, 200, { jsonrpc: '2.0', id: message.id, ...answer })
      else response.writeHead(202).end()
    })
    const call = async (tracer?: ReturnType<typeof openTracing>) => {
      const place = await testGateway(t, tracer ? { tracer } : {})
      const transport: Transport = { kind: 'http', url: `${server}/mcp`, headers: {}, mode: 'streamable' }
      const replicas = [{ transport, weight: 1 }]
      await place.gateway.apply({ definitions: [definitionWith({ id: 'far', name: 'far', replicas })], unusable: [] })
      await place.gateway.start('far', AbortSignal.timeout(10_000))
      while (!place.door.registry.list().some(({ name }) => name === 'echo')) await place.event('tools.changed')
      const trace = `00-${TRACE}-${PARENT}-01`
      await place.door.invoke({ operation: 'far.echo', input: { text: 'hello' }, caller: owner, trace })
      return asked.findLast(({ method }) => method === 'tools/call')?.params?._meta
    }
    assert.equal((await call())?.traceparent, undefined)
    const { tracing, spans } = await collected(t)
    const meta = await call(tracing)
    const found = await spans()
    const [whole, step] = ['far.echo', 'tools/call far'].map((name) => found.find((span) => span.name === name))
    assert.equal(meta?.traceparent, `00-${TRACE}-${step?.spanId}-01`)
    assert.deepEqual([step?.parentSpanId, whole?.parentSpanId, step?.kind], [whole?.spanId, PARENT, 3])
  })

  test('a collector that is away costs the spans, and a line in the log', async (t) => {
    const lines: string[] = []
    const log = createLog({ level: 'info', write: (line) => lines.push(line) })
    const url = await listen(t, async (_, response) => json(response, 400, {}))
    const tracing = openTracing({ url, version: '1.2.3', log })
    const { invoke } = testDoor([lamps()], { tracer: tracing })
    await invoke({ operation: 'switch_on', input: {}, caller: owner })
    await tracing.close()
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
      ['traces cannot be sent; they are lost'],
    )
  })
})

suite('traceparent', () => {
  for (const [text, sampled] of [
    [`00-${TRACE}-${PARENT}-01`, 1],
    [`00-${TRACE}-${PARENT}-00`, 0],
    [`00-${TRACE}-${PARENT}-ff`, 1],
    [`cc-${TRACE}-${PARENT}-01-what-the-future-will-be-like`, 1],
    [`00-${TRACE}-${PARENT}-01-more`, undefined],
    [`ff-${TRACE}-${PARENT}-01`, undefined],
    [`00-${'0'.repeat(32)}-${PARENT}-01`, undefined],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
    [`00-${TRACE.toUpperCase()}-${PARENT}-01`, undefined],
    ['', undefined],
  ] as const)
    test(`${text} is ${sampled === undefined ? 'none' : `one with flag ${sampled}`}`, () =>
      assert.equal(parseTraceparent(text)?.traceFlags, sampled))
})
