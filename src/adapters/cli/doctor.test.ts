import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { startEmbeddedBroker } from '../../engines/broker/embedded.ts'
import { makeCertificate } from '../../engines/broker/generator/certificate.ts'
import { systemClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import { operation } from '../../kernel/operation.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { OWNER_TOKEN, restServer } from '../../testing/rest-server.ts'
import { mqttCheck } from './check-hub.ts'
import { exposureCheck } from './check-exposure.ts'
import { partsCheck } from './check-servers.ts'
import type { Finding } from './check.ts'
import { resolved } from './doctor.ts'
import { missingPlaces, placesCheck } from './missing-places.ts'
import type { HubConfig } from './hub.ts'

const CONFIG: HubConfig = {
  data: '/data',
  mcpFiles: ['/data/mcp.json'],
  host: '127.0.0.1',
  port: 8765,
  demo: false,
  log: { level: 'info' },
  database: {},
  broker: { kind: 'embedded', port: 1883 },
}

const never = new AbortController().signal

suite('doctor: who can reach the hub', () => {
  const rows: [change: Partial<HubConfig>, is: Finding['is'], text: RegExp][] = [
    [{}, 'ok', /^this machine only$/],
    [{ host: '::1' }, 'ok', /^this machine only$/],
    [{ host: '0.0.0.0' }, 'note', /^listens at 0\.0\.0\.0 without TLS/],
    [{ broker: { kind: 'embedded', host: '192.0.2.10' } }, 'note', /^listens at 192\.0\.2\.10 without TLS/],
    [{ publicUrl: 'http://127.0.0.1:9000' }, 'ok', /by a proxy$/],
    [{ publicUrl: 'http://192.0.2.10:8765', host: '0.0.0.0' }, 'warning', /plain HTTP/],
    [{ publicUrl: 'https://home.example' }, 'warning', /trustedProxies is not/],
    [
      { publicUrl: 'https://home.example', trustedProxies: ['127.0.0.1'] },
      'ok',
      /^https:\/\/home\.example, by a proxy$/,
    ],
  ]
  for (const [change, is, text] of rows)
    test(JSON.stringify(change), async () => {
      const finding = await exposureCheck({ ...CONFIG, ...change }).run(never)
      assert.equal(finding.is, is)
      assert.match(finding.text, text)
    })
})

suite('doctor: parts of the running hub', () => {
  const service = (name: string, status: string, more: object = {}) => ({ name, kind: 'part', status, ...more })
  const rows: [services: object[] | undefined, is: Finding['is'], text: RegExp][] = [
    [undefined, 'note', /without the service health/],
    [[service('store', 'available'), service('mqtt', 'unknown')], 'ok', /^all of them work$/],
    [[service('b', 'unavailable', { kind: 'server' })], 'ok', /^all/],
    [
      [service('store', 'degraded', { reason: 'the disk is full.' }), service('bus', 'unavailable')],
      'failed',
      /^store is degraded: the disk is full\.; bus is unavailable: no reason known$/,
    ],
  ]
  for (const [services, is, text] of rows)
    test(JSON.stringify(services) ?? 'none', async (t) => {
      const tool = operation()({
        name: 'health.list_services',
        summary: 'How they are.',
        scope: null,
        effect: 'read',
        input: z.object({}),
        output: z.unknown(),
        handler: async () => ({ services }),
      })
      const { url } = await restServer(t, services ? [tool.bind({})] : [])
      const finding = await partsCheck({ pid: 1, url, version: '1.2.3' }, OWNER_TOKEN).run(never)
      assert.deepEqual([finding.is, text.test(finding.text)], [is, true], finding.text)
    })
})

suite('doctor: rights in rooms', () => {
  const home = {
    rooms: { kitchen: { topics: ['home/kitchen/#'] }, attic: { topics: [] }, hall: { topics: [] } },
    devices: { 'lamp-1': { room: 'hall' } },
  }
  const rows: [grants: string[], missing: string[]][] = [
    [['mqtt:*', '*', 'mqtt:*@room/kitchen', 'mqtt:*@room/hall', 'mqtt:*@device/lamp-1', '*@profile/kids'], []],
    [['mqtt:*@room/kichen', 'devices:*@room/kichen'], ['room kichen']],
    [['mqtt:*@room/attic'], ['room attic']],
    [['*@profile/kids@device/lamp-2', 'no grant'], ['device lamp-2']],
  ]
  for (const [grants, missing] of rows)
    test(grants.join(' '), () => assert.deepEqual(missingPlaces(grants, home), missing))

  test('of people and tokens there are', async (t) => {
    const lists = { 'people.list_people': 'people', 'tokens.list_tokens': 'tokens' } as const
    const tools = Object.entries(lists).map(([name, key]) =>
      operation()({
        name: name as 'people.list_people',
        summary: 'All.',
        scope: null,
        effect: 'read',
        input: z.object({}),
        output: z.unknown(),
        handler: async () => ({ [key]: [{ name: `of ${key}`, scopes: ['mqtt:*@room/cellar'] }] }),
      }).bind({}),
    )
    const { url } = await restServer(t, tools)
    const finding = await placesCheck({ pid: 1, url, version: '1.2.3' }, OWNER_TOKEN, home).run(never)
    assert.equal(finding.is, 'warning')
    assert.match(finding.text, /of people: room cellar, of tokens: room cellar$/)
  })
})

suite('doctor: what the configuration refers to', () => {
  test('a secret that is not set is a finding, and the rest is looked at', async () => {
    const missing = () => {
      throw new Fault('invalid_input', 'broker.users[0].password refers to the secret tablet, which is not set.')
    }
    const { config, checks } = resolved(missing, CONFIG)
    assert.equal(config, CONFIG)
    const [finding] = await Promise.all(checks.map((check) => check.run(never)))
    assert.equal(finding?.is, 'failed')
    assert.match(finding?.text ?? '', /secret tablet, which is not set/)
  })

  test('a broker with a certificate of one’s own authority is believed by that authority', async (t) => {
    const folder = temporaryFolder(t)
    const now = systemClock.now()
    const lasting = { fromMs: now - 1000, untilMs: now + 3_600_000 }
    const authority = makeCertificate({ name: 'home', use: 'authority', ...lasting })
    const { cert, key } = makeCertificate(
      { name: 'localhost', use: 'server', hosts: ['localhost'], ...lasting },
      authority,
    )
    const broker = await startEmbeddedBroker({
      host: '127.0.0.1',
      port: 0,
      file: join(folder, 'broker.db'),
      ownerToken: OWNER_TOKEN,
      users: [],
      anonymous: false,
      tls: { port: 0, read: () => ({ cert, key }) },
      log: silentLog,
    })
    t.after(() => broker.stop())
    const url = (broker.tlsUrl ?? '').replace('mqtts://127.0.0.1', `mqtts://alicia:${OWNER_TOKEN}@localhost`)
    const remote = { kind: 'remote' as const, url }
    const ca = join(folder, 'ca.crt')
    writeFileSync(ca, authority.cert)
    const look = (more: object) =>
      mqttCheck({ ...CONFIG, broker: { ...remote, ...more } }, undefined, undefined).run(never)
    assert.match((await look({ ca })).text, /^mqtts:\/\/localhost:\d+ lets the hub in$/)
    assert.match((await look({})).text, /certificate/)
    assert.match((await look({ ca: join(folder, 'none') })).text, /none/)
  })
})
