import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { anyFreePort } from '../../testing/free-port.ts'
import { mosquittoProgram } from '../../testing/mosquitto.ts'
import { MAY, PEOPLE, type Who } from './access.cases.ts'
import { connectBus } from './bus.ts'
import { connectClient, type TestClient } from './client.testing.ts'
import { makeCertificate } from './generator/certificate.ts'
import {
  makeBrokerPassword,
  makeClientCertificate,
  rotateCertificates,
  writeMosquittoSet,
  type MosquittoSetOptions,
} from './mosquitto-set.ts'
import { answersMqtt } from './probe.ts'
import { remoteBroker } from './remote.ts'

/** Other people's, to hold ours against. */
const PROGRAMS = { passwords: 'mosquitto_passwd', certificates: 'openssl' }

const ROOTS = ['home/#', 'garden/#', 'zigbee2mqtt/#', 'time', 'sentinel']
const PLACES = {
  topicsOf: (kind: string, name: string) => (kind === 'room' && name === 'kitchen' ? ['home/kitchen/#'] : []),
  roomOf: () => undefined,
}
const MIA = { name: 'mia', scopes: ['mqtt:*@room/kitchen'] }

const portsOf = async () => ({
  mqtt: await anyFreePort(),
  mqtts: await anyFreePort(),
  ws: await anyFreePort(),
  wss: await anyFreePort(),
})

async function setOf(folder: string, more: Partial<MosquittoSetOptions> = {}): Promise<MosquittoSetOptions> {
  return {
    folder,
    at: folder,
    dataFolder: join(folder, 'data'),
    pluginFolder: '/usr/lib',
    dialect: '2.0',
    ports: await portsOf(),
    requiresCertificates: false,
    user: userInfo().username,
    hosts: ['localhost', '127.0.0.1'],
    users: PEOPLE.users,
    people: [MIA],
    places: PLACES,
    roots: ROOTS,
    nowMs: Date.now(),
    ...more,
  }
}

/** Mosquitto with the files of the folder. */
async function run(test: { after(task: () => unknown): void }, { folder, dataFolder, ports }: MosquittoSetOptions) {
  mkdirSync(dataFolder, { recursive: true })
  const child = spawn(mosquittoProgram(), ['-c', join(folder, 'mosquitto.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const words: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => words.push(text))
  const exited = once(child, 'exit')
  test.after(async () => {
    child.kill()
    await exited
  })
  while (!(await answersMqtt('127.0.0.1', ports.mqtt))) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended: ${words.join('')}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return { reload: () => child.kill('SIGHUP') }
}

const hubUrl = (folder: string): URL =>
  new URL(/"url": "([^"]+)"/.exec(readFileSync(join(folder, 'alicia.jsonc'), 'utf8'))?.[1] ?? '')

const hubLogin = (folder: string) => {
  const { username, password } = hubUrl(folder)
  return { username, password }
}

const sessionLogin = (folder: string) => ({
  username: 'session',
  password: /"password": "([^"]+)"/.exec(readFileSync(join(folder, 'alicia.jsonc'), 'utf8'))?.[1] ?? '',
})

suite('generated files for Mosquitto: who may what', () => {
  const closing: (() => unknown)[] = []
  const t = { after: (task: () => unknown) => void closing.unshift(task) }
  let options: MosquittoSetOptions
  let clients: Partial<Record<Who | 'mia', TestClient>> = {}
  const passwords: Partial<Record<string, string>> = {}

  before(async () => {
    const folder = temporaryFolder(t)
    options = await setOf(folder)
    const { withoutPassword, left } = writeMosquittoSet(options)
    assert.deepEqual(withoutPassword, ['alicia', 'mia'])
    assert.deepEqual(left, [])
    for (const name of withoutPassword) passwords[name] = makeBrokerPassword(folder, name)
    await run(t, options)
    const logins: [Who | 'mia', { username: string; password: string }][] = [
      ['hub', hubLogin(folder)],
      ['session', sessionLogin(folder)],
      ...(['alicia', 'mia'] as const).map(
        (name) => [name, { username: name, password: passwords[name] ?? '' }] as [Who | 'mia', never],
      ),
      ...PEOPLE.users.map(
        ({ name, password }) => [name, { username: name, password }] as [Who, { username: string; password: string }],
      ),
    ]
    const opened = await Promise.all(
      logins.map(async ([who, login]) => [
        who,
        await connectClient(t, `mqtt://127.0.0.1:${options.ports.mqtt}`, login),
      ]),
    )
    clients = Object.fromEntries(opened) as typeof clients
  })
  after(async () => {
    for (const close of closing) await close()
  })

  const of = (who: Who | 'mia'): TestClient => {
    const client = clients[who]
    assert.ok(client)
    return client
  }
  const mayPublish = (who: Who | 'mia', topic: string) =>
    of(who)
      .client.publishAsync(topic, 'x', { qos: 1 })
      .then(
        () => true,
        (error: { code?: number }) => {
          assert.equal(error.code, 0x87)
          return false
        },
      )
  /** It takes every subscription, and delivers what may be read. */
  const mayReceive = async (who: Who | 'mia', topic: string) => {
    const { client, messages } = of(who)
    const sentinel = { z2m: 'zigbee2mqtt/sentinel', mia: 'home/kitchen/sentinel' }[who as string] ?? 'sentinel'
    await client.subscribeAsync('#', { qos: 1 })
    for (const one of [topic, sentinel]) await of('hub').client.publishAsync(one, 'secret', { qos: 1 })
    const seen: string[] = []
    while (!seen.includes(sentinel)) seen.push((await of(who).next()).topic)
    await client.unsubscribeAsync('#')
    messages.length = 0
    return seen.includes(topic)
  }
  const ask = { publish: mayPublish, receive: mayReceive }

  /** Subscriptions this access file cannot refuse; and of `alicia/` the sessions read nothing here. */
  for (const [who, may, topic, allowed] of MAY)
    if (may !== 'subscribe' && !(who === 'session' && topic === 'alicia/v1/svc/health/1/status'))
      test(`${who} ${allowed ? 'may' : 'may not'} ${may} ${topic}`, async () => {
        assert.equal(await ask[may](who, topic), allowed)
      })

  const bound: [may: 'publish' | 'receive', topic: string, allowed: boolean][] = [
    ['publish', 'home/kitchen/lamp', true],
    ['publish', 'home/hall/lamp', false],
    ['publish', 'alicia/v1/as/mia/req/x/y', true],
    ['publish', 'alicia/v1/as/anna/req/x/y', false],
    ['receive', 'home/kitchen/lamp', true],
    ['receive', 'home/hall/lamp', false],
    ['receive', 'alicia/v1/as/mia/rep/1', true],
    ['receive', 'alicia/v1/as/anna/rep/1', false],
    ['receive', 'alicia/v1/evt/approvals', false],
  ]
  for (const [may, topic, allowed] of bound)
    test(`mia, bound to the kitchen, ${allowed ? 'may' : 'may not'} ${may} ${topic}`, async () => {
      assert.equal(await ask[may]('mia', topic), allowed)
    })

  const urls = () => {
    const { mqtts, wss } = options.ports
    return [`mqtts://localhost:${mqtts}`, `wss://localhost:${wss}`]
  }
  const ca = () => readFileSync(join(options.folder, 'ca.crt'), 'utf8')
  const anna = { username: 'anna', password: 'annas-password' }

  test('MQTT and WebSocket with TLS, by the certificate of the local authority', async (context) => {
    for (const url of urls()) {
      const { client, next } = await connectClient(context, url, { ...anna, ca: ca() })
      await client.subscribeAsync('home/tls', { qos: 1 })
      await client.publishAsync('home/tls', 'here', { qos: 1 })
      assert.equal((await next()).payload, 'here')
    }
  })

  test('a wrong password, a wrong name and no login are refused', async (context) => {
    for (const login of [{ ...anna, password: 'wrong' }, { ...anna, username: 'bert' }, {}, { username: 'anna' }])
      for (const url of urls())
        await assert.rejects(connectClient(context, url, { ...login, ca: ca() }), { code: 0x87 })
  })

  test('an authority that is not the set’s is not trusted by clients', async (context) => {
    const stranger = makeCertificate({ name: 'stranger', use: 'authority', fromMs: 0, untilMs: Date.now() * 2 })
    for (const url of urls())
      await assert.rejects(connectClient(context, url, { ...anna, ca: stranger.cert }), /certificate|verify/i)
  })

  test('the hub uses it as a remote broker, and may take the topic for who asks', async (context) => {
    const { href } = hubUrl(options.folder)
    const broker = remoteBroker({ url: href, tls: { ca: ca() }, enforcesIdentity: true, clock: systemClock })
    const signal = AbortSignal.timeout(10_000)
    const bus = await connectBus({ broker, clientId: 'hub-bus', clock: systemClock, log: silentLog, signal })
    context.after(() => bus.stop())
    const asked = new Promise<string>((resolve) => {
      void bus
        .subscribe('alicia/v1/as/+/req/+/+', 1, ({ topic }) => resolve(topic))
        .then(async () => {
          await mayPublish('z2m', 'alicia/v1/as/anna/req/a/b')
          await mayPublish('anna', 'alicia/v1/as/anna/req/a/b')
        })
    })
    assert.equal(await asked, 'alicia/v1/as/anna/req/a/b')
  })
})

suite('generated files for Mosquitto: their life', () => {
  test('an expired certificate is refused; a rotated one is taken, after a SIGHUP', async (t) => {
    const folder = temporaryFolder(t)
    const yearsAgo = Date.now() - 2 * 365 * 86_400_000
    const options = await setOf(folder, { nowMs: yearsAgo })
    writeMosquittoSet(options)
    const { reload } = await run(t, options)
    const ca = readFileSync(join(folder, 'ca.crt'), 'utf8')
    const url = `mqtts://localhost:${options.ports.mqtts}`
    const anna = { username: 'anna', password: 'annas-password', ca }
    await assert.rejects(connectClient(t, url, anna), /expired/)
    const changes = rotateCertificates({ ...options, nowMs: Date.now(), rotate: 'server' })
    assert.deepEqual(
      changes.filter(({ change }) => change === 'written').map(({ name }) => name),
      ['server.crt', 'server.key'],
    )
    reload()
    // It reads them when it comes round to it.
    for (let tries = 0; tries < 100; tries++) {
      const connected = await connectClient(t, url, anna).catch(() => undefined)
      if (connected) return
    }
    assert.fail('The new certificate was not taken.')
  })

  test('with required certificates nobody comes without one, nor with a stranger’s', async (t) => {
    const folder = temporaryFolder(t)
    const options = await setOf(folder, { requiresCertificates: true })
    writeMosquittoSet(options)
    makeClientCertificate(folder, 'phone', Date.now())
    await run(t, options)
    const read = (name: string) => readFileSync(join(folder, name), 'utf8')
    const url = `mqtts://localhost:${options.ports.mqtts}`
    const anna = { username: 'anna', password: 'annas-password', ca: read('ca.crt') }
    await connectClient(t, url, { ...anna, cert: read('client-phone.crt'), key: read('client-phone.key') })
    await assert.rejects(connectClient(t, url, anna))
    const past = { fromMs: Date.now() - 2000, untilMs: Date.now() - 1000 }
    const ours = { cert: read('ca.crt'), key: read('ca.key') }
    for (const [signer, times] of [
      [
        makeCertificate({ name: 'stranger', use: 'authority', fromMs: 0, untilMs: Date.now() * 2 }),
        { fromMs: 0, untilMs: Date.now() * 2 },
      ],
      [ours, past],
    ] as const)
      await assert.rejects(
        connectClient(t, url, { ...anna, ...makeCertificate({ name: 'phone', use: 'client', ...times }, signer) }),
      )
    assert.throws(() => makeClientCertificate(folder, '../x', Date.now()), { code: 'invalid_input' })
  })

  test('a new authority is trusted beside the old one, which vouches until the server’s is rotated', async (t) => {
    const folder = temporaryFolder(t)
    const options = await setOf(folder)
    writeMosquittoSet(options)
    const read = (name: string) => readFileSync(join(folder, name), 'utf8')
    const verify = () =>
      execFileSync(PROGRAMS.certificates, [
        'verify',
        '-x509_strict',
        '-CAfile',
        join(folder, 'ca.crt'),
        join(folder, 'server.crt'),
      ])
    verify()
    const [old, server] = [read('ca.crt'), read('server.crt')]
    rotateCertificates({ ...options, rotate: 'authority' })
    assert.equal(read('server.crt'), server)
    assert.ok(read('ca.crt').endsWith(old) && read('ca.crt').length > old.length)
    verify()
    rotateCertificates({ ...options, rotate: 'server' })
    assert.notEqual(read('server.crt'), server)
    verify()
    assert.equal(new X509Certificate(read('server.crt')).verify(new X509Certificate(old).publicKey), false)
  })

  test('the second time nothing is written; then only what changed; never what was changed by hand', async (t) => {
    const folder = temporaryFolder(t)
    const options = await setOf(folder)
    const written = (more: Partial<MosquittoSetOptions> = {}) =>
      writeMosquittoSet({ ...options, ...more }).changes.flatMap(({ name, change }) =>
        change === 'unchanged' ? [] : [`${name} ${change}`],
      )
    assert.equal(written({ isDry: true }).length, 10)
    assert.throws(() => statSync(join(folder, 'acl')), { code: 'ENOENT' })
    assert.equal(written().length, 10)
    assert.deepEqual(written(), [])
    const mode = (name: string) => (statSync(join(folder, name)).mode & 0o777).toString(8)
    assert.deepEqual(['passwords', 'server.key', 'ca.key', 'alicia.jsonc'].map(mode), ['640', '640', '600', '600'])
    const more = { people: [MIA, { name: 'leo', scopes: ['mqtt:read'] }] }
    assert.deepEqual(written(more), ['acl written'])
    makeBrokerPassword(folder, 'leo')
    assert.deepEqual(written(more), [])
    assert.deepEqual(written(), ['acl written', 'passwords written'])
    writeFileSync(join(folder, 'mosquitto.conf'), '# mine\n')
    assert.deepEqual(written({ requiresCertificates: true }), ['mosquitto.conf kept'])
    assert.deepEqual(written({ requiresCertificates: true, force: true }), ['mosquitto.conf written'])
  })

  test('mosquitto_passwd takes the password file for its own', async (t) => {
    const folder = temporaryFolder(t)
    writeMosquittoSet(await setOf(folder))
    const path = join(folder, 'passwords')
    const before = readFileSync(path, 'utf8')
    chmodSync(path, 0o600)
    execFileSync(PROGRAMS.passwords, ['-b', path, 'bridge', 'a-password'])
    const lines = readFileSync(path, 'utf8').trim().split('\n')
    assert.deepEqual(
      lines.filter((line) => !line.startsWith('bridge:')),
      before.trim().split('\n'),
    )
    assert.match(lines.at(-1) ?? '', /^bridge:\$7\$/)
    // Somebody else's line: by hand, so the file stays as it is until somebody forces it.
    const { changes } = writeMosquittoSet(await setOf(folder))
    assert.equal(changes.find(({ name }) => name === 'passwords')?.change, 'kept')
    makeBrokerPassword(folder, 'mia')
    assert.match(readFileSync(path, 'utf8'), /^bridge:/m)
  })

  const names: [why: string, name: string][] = [
    ['a wildcard', '+'],
    ['all below', '#'],
    ['a level more', 'mia/../anna'],
    ['a line more', 'mia\nanna'],
    ['NUL', 'mia\0'],
    ['a topic of the broker', '$SYS'],
    ['a field more', 'mia:x'],
  ]
  for (const [why, name] of names)
    test(`a name with ${why} becomes no line and no topic`, async (t) => {
      const folder = temporaryFolder(t)
      const options = await setOf(folder)
      assert.throws(() => writeMosquittoSet({ ...options, users: [{ name, password: 'long enough' }] }), {
        code: 'invalid_input',
      })
      assert.throws(() => writeMosquittoSet({ ...options, people: [{ name, scopes: ['mqtt:*'] }] }), {
        code: 'invalid_input',
      })
      writeMosquittoSet(options)
      assert.throws(() => makeBrokerPassword(folder, name), { code: 'invalid_input' })
    })

  test('a filter that would make lines of its own is left out, and said to be', async (t) => {
    const folder = temporaryFolder(t)
    const users = [{ name: 'evil', password: 'long enough', publish: ['a\ntopic readwrite b', 'ok/#', '+/x'] }]
    const { left } = writeMosquittoSet(await setOf(folder, { users }))
    assert.deepEqual(left, ['evil: a\ntopic readwrite b', 'evil: +/x'])
    assert.doesNotMatch(
      readFileSync(join(folder, 'acl'), 'utf8').split('user evil')[1]?.split('user ')[0] ?? '',
      /readwrite b/,
    )
  })

  test('for Mosquitto 2.1 passwords and access are plugins, and none of the old options is left', async (t) => {
    const folder = temporaryFolder(t)
    writeMosquittoSet(await setOf(folder, { dialect: '2.1', pluginFolder: '/usr/lib/mosquitto' }))
    const conf = readFileSync(join(folder, 'mosquitto.conf'), 'utf8')
    const lines = conf.split('\n')
    for (const [plugin, option, file] of [
      ['mosquitto_password_file.so', 'plugin_opt_password_file', 'passwords'],
      ['mosquitto_acl_file.so', 'plugin_opt_acl_file', 'acl'],
    ]) {
      const at = lines.indexOf(`global_plugin /usr/lib/mosquitto/${plugin}`)
      assert.ok(at > 0)
      assert.equal(lines[at + 1], `${option} ${join(folder, file ?? '')}`)
    }
    assert.doesNotMatch(conf, /^(?:password_file|acl_file|per_listener_settings)\b/m)
  })
})
