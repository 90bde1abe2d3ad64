import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { findProgram } from '../../../../scripts/ensure-servers.ts'
import { startEmbeddedBroker } from '../../../engines/broker/embedded.ts'
import { Fault } from '../../../kernel/fault.ts'
import { silentLog } from '../../../kernel/log.ts'
import type { Broker } from '../../../kernel/ports.ts'
import { temporaryFolder } from '../../../testing/folder.ts'
import { callerWith } from '../../../testing/hub.ts'
import { anyFreePort } from '../../../testing/free-port.ts'
import { startTestMosquitto } from '../../../testing/mosquitto.ts'
import { brokerAt, establish, fault, startToolkit, toolkitFor } from '../../../testing/mqtt-toolkit.ts'
import type { Check } from './check.ts'

/** What each check found, by its name. */
const resultsOf = (facts: Record<string, unknown>) =>
  Object.fromEntries((facts['checks'] as Check[]).map(({ check, result }) => [check, result]))

const OPENSSL = findProgram('openssl') ?? 'openssl'
const SYS = ['allow_anonymous true', 'sys_interval 1']

async function embedded(context: TestContext): Promise<Broker> {
  const broker = await startEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    file: ':memory:',
    log: silentLog,
    ownerToken: 'a token of the owner',
    users: [],
    anonymous: false,
  })
  context.after(() => broker.stop())
  return broker
}

const mosquitto = async (context: TestContext) => brokerAt((await startTestMosquitto(context, { lines: SYS })).url)

suite('test_connection', { concurrency: false }, () => {
  const WORKS = { dns: 'pass', tcp: 'pass', mqtt: 'pass', login: 'pass', subscribe: 'pass', wildcards: 'pass' } as const
  const brokers = [
    // Its MQTT library refuses shared subscriptions, and says so.
    ['the embedded broker', embedded, { ...WORKS, shared_subscriptions: 'skip', round_trip: 'pass', sys: 'pass' }],
    ['Mosquitto', mosquitto, { ...WORKS, shared_subscriptions: 'pass', round_trip: 'pass' }],
  ] as const
  for (const [name, start, expected] of brokers)
    for (const probe of [false, true])
      test(`${name}, ${probe ? 'with' : 'without'} probes`, async (context) => {
        const broker = await start(context)
        const toolkit = await toolkitFor(context, broker)
        const session_id = await establish(toolkit)
        const facts = await toolkit.call('test_connection', { session_id, probe })
        const results = resultsOf(facts)
        assert.partialDeepStrictEqual(results, { ...expected, retained: 'pass' }, JSON.stringify(facts['checks']))
        const trips = facts['round_trip_ms'] as Record<string, number>
        assert.ok(Number(trips['best']) <= Number(trips['p50']) && Number(trips['p90']) <= Number(trips['worst']))
        const { topics } = await toolkit.call('list_topics', { session_id, pattern: 'alicia-probe/#', duration: 0.2 })
        assert.deepEqual(topics, [], 'nothing is left behind')
      })

  test('MQTT 3.1.1: what the broker does not announce is found out by probes', async (context) => {
    const toolkit = await toolkitFor(context, await mosquitto(context))
    const session_id = await establish(toolkit, { protocol_version: '3.1.1' })
    const quiet = resultsOf(await toolkit.call('test_connection', { session_id }))
    assert.partialDeepStrictEqual(quiet, { wildcards: 'pass', retained: 'skip' })
    const probed = resultsOf(await toolkit.call('test_connection', { session_id, probe: true }))
    assert.partialDeepStrictEqual(probed, { wildcards: 'pass', shared_subscriptions: 'pass', retained: 'pass' })
  })

  test('probes need the scope to write', async (context) => {
    const toolkit = await toolkitFor(context, await mosquitto(context))
    const caller = callerWith('mqtt:connect', 'mqtt:read')
    const session_id = await establish(toolkit, {}, caller)
    await toolkit.call('test_connection', { session_id }, { caller })
    const probing = toolkit.call('test_connection', { session_id, probe: true }, { caller })
    await assert.rejects(probing, fault('forbidden', /mqtt:write/))
  })

  test('a session that publishes nothing: the probes are refused, the rest is told', async (context) => {
    const toolkit = await toolkitFor(context, await mosquitto(context))
    const session_id = await establish(toolkit, { access: 'read_only' })
    const facts = await toolkit.call('test_connection', { session_id, probe: true })
    assert.equal(facts['verdict'], 'warn')
    assert.partialDeepStrictEqual(resultsOf(facts), { mqtt: 'pass', retained: 'skip', wildcards: 'warn' })
  })

  test('no broker any more: the fault says how far one gets', async (context) => {
    const broker = await startTestMosquitto(context)
    const toolkit = await toolkitFor(context, brokerAt(broker.url))
    const session_id = await establish(toolkit)
    await broker.stop()
    const failed = await toolkit.call('test_connection', { session_id }).catch((error: unknown) => error)
    assert.ok(failed instanceof Fault && failed.code === 'unavailable')
    assert.match(failed.message, /connection refused.*dns pass.*tcp fail/)
    assert.partialDeepStrictEqual(failed.details?.['checks'], [{ check: 'dns' }, { check: 'tcp', result: 'fail' }])
  })

  test('TLS: the chain, and a certificate that expires soon', async (context) => {
    const folder = temporaryFolder(context)
    const file = (name: string) => join(folder, name)
    const openssl = (...args: string[]) => execFileSync(OPENSSL, args, { stdio: 'ignore' })
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    openssl('req', '-x509', ...key, '-keyout', file('ca.key'), '-out', file('ca.crt'), '-subj', '/CN=ca', '-days', '90')
    const signing = ['-in', request(), '-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial']
    openssl('x509', '-req', ...signing, '-days', '5', '-out', file('server.crt'))
    function request(): string {
      openssl('req', ...key, '-keyout', file('server.key'), '-out', file('server.csr'), '-subj', '/CN=localhost')
      return file('server.csr')
    }
    const port = await anyFreePort()
    const lines = [`listener ${port} 127.0.0.1`, `certfile ${file('server.crt')}`, `keyfile ${file('server.key')}`]
    await startTestMosquitto(context, { lines: ['allow_anonymous true', ...lines] })
    const toolkit = await startToolkit({ folder: temporaryFolder(context), broker: brokerAt('mqtt://10.1.1.1:1') })
    context.after(() => toolkit.stop())
    const ca = readFileSync(file('ca.crt'), 'utf8')
    const session_id = await establish(toolkit, { connection_string: `mqtts://localhost:${port}`, ca })
    const facts = await toolkit.call('test_connection', { session_id })
    assert.partialDeepStrictEqual(resultsOf(facts), { tls: 'pass', trust: 'pass', certificate: 'warn' })
    assert.partialDeepStrictEqual(facts['tls_chain'], [{ subject: 'localhost', issuer: 'ca', days_left: 4 }])
  })
})
