import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { suite, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connectAsync } from 'mqtt'
import { FAULTS, Fault } from '../../kernel/fault.ts'
import type { Broker, Bus } from '../../kernel/ports.ts'
import type { Progress } from '../../kernel/tool.ts'
import {
  deeds,
  layCable,
  LOGIN,
  startProcess,
  startTestHub,
  textTools,
  withLogin,
  type TestHub,
} from '../../testing/bus.ts'
import { callerWith } from '../../testing/hub.ts'

/** A broker that can be taken away and put back at the same address. */
export interface MortalBroker {
  /** Follows the one that runs. */
  readonly broker: Broker
  kill(): Promise<void>
  revive(): Promise<void>
}

const guest = callerWith('text:use')

/** A hub, processes and the broker between them: what every broker engine has to make possible. */
export function describeBus(name: string, startBroker: (test: TestContext) => Promise<MortalBroker>): void {
  const call = ({ door }: TestHub, operation: string, text = 'hi', more: object = {}) =>
    door.invoke({ operation, input: { text }, caller: guest, ...more })

  suite(`services on the bus, over ${name}`, () => {
    test('they are the hub’s own: name, schema, result, progress, caller', async (t) => {
      const { broker } = await startBroker(t)
      const done = deeds()
      await startProcess(t, { url: broker.url, instance: 'one', tools: textTools(done, 'one') })
      const hub = await startTestHub(t, broker)
      await hub.until('available')
      const { tool, provider } = hub.door.registry.find('echo')
      const { summary, description, scope, effect, idempotent, route, inputSchema, outputSchema } = tool
      const [own] = textTools(done, 'one')
      assert.equal(provider.kind, 'bus')
      assert.deepEqual(
        { summary, description, scope, effect, idempotent, route, inputSchema, outputSchema },
        {
          summary: own?.summary,
          description: own?.description,
          scope: own?.scope,
          effect: own?.effect,
          idempotent: own?.idempotent,
          route: own?.route,
          inputSchema: own?.inputSchema,
          outputSchema: own?.outputSchema,
        },
      )
      assert.deepEqual(await call(hub, 'echo'), { text: 'hi', by: 'one', caller: 'guest' })
      const news: Progress[] = []
      const waiting = call(hub, 'wait', 'later', { emit: (progress: Progress) => news.push(progress) })
      await done.begun(1)
      done.release()
      assert.deepEqual(await waiting, { text: 'later', by: 'one', caller: 'guest' })
      assert.deepEqual(news, [{ progress: 1, message: 'it waits' }])
    })

    test('faults, refusals, time limits and cancelling are those of the service', async (t) => {
      const { broker } = await startBroker(t)
      const done = deeds()
      await startProcess(t, { url: broker.url, instance: 'one', tools: textTools(done, 'one') })
      const hub = await startTestHub(t, broker)
      await hub.until('available')
      await assert.rejects(call(hub, 'text.fail'), (fault: Fault) => {
        assert.ok(fault instanceof Fault)
        const { code, message, hint, retryAfterMs, details } = fault
        assert.deepEqual(
          { code, message, hint, retryAfterMs, details },
          { code: 'conflict', message: 'The pen is empty.', hint: 'Fill it.', retryAfterMs: 7, details: { ink: 0 } },
        )
        return true
      })
      const wrong = hub.door.invoke({ operation: 'text.echo', input: { txet: 1 }, caller: guest })
      await assert.rejects(wrong, { code: 'invalid_input', hint: 'It takes: text.' })
      const stranger = hub.door.invoke({ operation: 'text.echo', input: { text: '' }, caller: callerWith('other:use') })
      await assert.rejects(stranger, { code: 'forbidden' })
      const controller = new AbortController()
      const withdrawn = call(hub, 'text.wait', 'long', { signal: controller.signal })
      await done.begun(1)
      controller.abort()
      await assert.rejects(withdrawn, { code: 'cancelled' })
      assert.equal(await done.aborted, 'cancelled')
      await assert.rejects(call(hub, 'text.wait', 'late', { timeoutMs: 20 }), { code: 'timeout' })
    })

    test('a process that is killed: reads go elsewhere, a write is not done twice, and it heals', async (t) => {
      const { broker } = await startBroker(t)
      const hub = await startTestHub(t, broker)
      const victim = await spawnProcess(t, broker.url, 'victim')
      await hub.until('available')
      const write = call(hub, 'text.append', 'slow write')
      assert.equal(await victim.line(), 'victim slow write')
      const read = call(hub, 'text.wait', 'read')
      assert.equal(await victim.line(), 'victim read')
      const done = deeds()
      const other = await startProcess(t, { url: broker.url, instance: 'other', tools: textTools(done, 'other') })
      await hub.until('available')
      victim.child.kill('SIGKILL')
      await done.begun(1)
      done.release()
      assert.deepEqual(await read, { text: 'read', by: 'other', caller: 'guest' })
      await assert.rejects(write, (fault: Fault) => {
        assert.match(fault.message, /attic\/victim went while text\.append ran: .*It may have been done/)
        return fault.code === 'upstream_failed' && !FAULTS[fault.code].retryable
      })
      assert.deepEqual(done.runs, ['other read'])
      assert.deepEqual(await call(hub, 'text.append', 'quick'), { text: 'quick', by: 'other', caller: 'guest' })
      await other.stop()
      await hub.until('unavailable')
      await assert.rejects(call(hub, 'text.append', 'nobody'), (fault: Fault) => {
        assert.match(fault.message, / is unavailable since (\d{4}-\d\d-\d\d )?\d\d:\d\d: /)
        return fault.code === 'unavailable'
      })
      await spawnProcess(t, broker.url, 'victim')
      await hub.until('available')
      assert.deepEqual(await call(hub, 'echo'), { text: 'hi', by: 'victim', caller: 'guest' })
    })

    test('the broker dies and is back: what was under way is answered once, and runs once', async (t) => {
      const mortal = await startBroker(t)
      const { broker } = mortal
      const done = deeds()
      await startProcess(t, { url: broker.url, instance: 'one', tools: textTools(done, 'one') })
      const hub = await startTestHub(t, broker)
      await hub.until('available')
      const write = call(hub, 'text.append', 'slow write')
      await done.begun(1)
      await mortal.kill()
      // It is done while nobody can be told.
      done.release()
      await mortal.revive()
      assert.deepEqual(await write, { text: 'slow write', by: 'one', caller: 'guest' })
      await hub.until('available')
      assert.deepEqual(await call(hub, 'echo'), { text: 'hi', by: 'one', caller: 'guest' })
      assert.deepEqual(done.runs, ['one slow write'])
    })

    test('the network is cut again and again: no call is lost, none runs twice', async (t) => {
      const { broker } = await startBroker(t)
      const cable = await layCable(t, broker.url)
      const done = deeds()
      await startProcess(t, { url: cable.url, instance: 'far', tools: textTools(done, 'far') })
      const hub = await startTestHub(t, broker)
      await hub.until('available')
      const COUNT = 60
      const outcomes: Promise<unknown>[] = []
      for (let at = 0; at < COUNT; at++) {
        if (at % 20 === 10) {
          cable.cut()
          await hub.until('available')
        }
        outcomes.push(call(hub, 'text.append', `write ${at}`))
      }
      const settled = await Promise.allSettled(outcomes)
      const answered = settled.flatMap((one) =>
        one.status === 'fulfilled' ? [(one.value as { text: string }).text] : [],
      )
      const refused = settled.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Fault).code] : []))
      // Whoever comes while it is away is told so; nothing of that ran.
      assert.ok(
        refused.every((code) => code === 'unavailable'),
        refused.join(),
      )
      assert.deepEqual(done.runs.toSorted(), answered.map((text) => `far ${text}`).toSorted())
      assert.ok(answered.length >= 50, `${answered.length} of ${COUNT} were answered`)
    })

    test('a request that comes twice runs once; a retained one never; nobody else can write one', async (t) => {
      const { broker } = await startBroker(t)
      const done = deeds()
      await startProcess(t, { url: broker.url, instance: 'one', tools: textTools(done, 'one') })
      const hub = await startTestHub(t, broker)
      await hub.until('available')
      const topic = 'alicia/v1/bus/attic/one/down/request'
      const request = (number: number, text: string) =>
        JSON.stringify({
          is: 'call',
          hub: 'x',
          number,
          floor: 1,
          operation: 'text.append',
          input: { text },
          caller: guest,
        })
      const answers = await listen(hub.bus, 'alicia/v1/bus/attic/one/up/answer/x')
      const thief = await connectAsync(withLogin(broker.url), { reconnectPeriod: 0, protocolVersion: 5 })
      t.after(() => thief.endAsync(true))
      if (broker.enforcesIdentity)
        await thief.publishAsync(topic, request(2, 'stolen'), { qos: 1 }).catch(() => undefined)
      for (const qos of [1, 1, 0] as const) await hub.bus.publish(topic, request(3, 'slow once'), { qos })
      await hub.bus.publish(topic, request(4, 'last'))
      await answers.until(({ number }) => number === 4)
      assert.deepEqual(done.runs, ['one slow once', 'one last'])
      done.release()
      const later = 'alicia/v1/bus/attic/two/down/request'
      await hub.bus.publish(later, request(1, 'retained'), { retain: true, qos: 1 })
      await startProcess(t, { url: broker.url, instance: 'two', tools: textTools(done, 'two') })
      const others = await listen(hub.bus, 'alicia/v1/bus/attic/two/up/answer/x')
      await hub.bus.publish(later, request(2, 'live'))
      await others.until(({ number }) => number === 2)
      assert.deepEqual(done.runs, ['one slow once', 'one last', 'two live'])
    })
  })
}

async function listen(bus: Bus, topic: string) {
  const got: { number: number }[] = []
  const looks = new Set<() => void>()
  await bus.subscribe(topic, 0, ({ payload }) => {
    got.push(JSON.parse(payload.toString()) as { number: number })
    for (const look of looks) look()
  })
  return {
    until: (is: (answer: { number: number }) => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (got.some(is)) resolve()
        }
        looks.add(look)
        look()
      }),
  }
}

interface Spawned {
  readonly child: ChildProcess
  line(): Promise<string>
}

async function spawnProcess(t: TestContext, url: string, instance: string): Promise<Spawned> {
  const program = fileURLToPath(new URL('../../testing/text-process.ts', import.meta.url))
  const child = spawn(process.execPath, [program, url, instance], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async () => String((await lines.next()).value)
  assert.equal(await line(), 'ready')
  return { child, line }
}

/** The users that both engines have in these tests. */
export const ACCESS = { ownerToken: 'owner-token-of-the-test', users: [LOGIN], anonymous: false as const }
