import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { openPeople } from '../../engines/people/people.ts'
import { openSqlite } from '../../engines/store/sqlite.ts'
import { systemClock } from '../../kernel/clock.ts'
import { createEvents } from '../../kernel/events.ts'
import { silentLog } from '../../kernel/log.ts'
import { createLoginThrottle } from '../../kernel/login-throttle.ts'
import { DEFAULT_ROLES } from '../../kernel/role.ts'
import { OWNER_TOKEN, restServer } from '../../testing/rest-server.ts'
import { NO_SERVERS } from '../../testing/server-files.ts'
import { addPerson, changePerson, listPeople, removePerson } from '../../services/people/person-operations.ts'
import { setPassword } from '../../services/people/password-operation.ts'
import { cancelPairing, listPairings, pair } from '../../services/people/pairing-operations.ts'
import { testTerminal, type TestTerminal } from '../../testing/terminal.ts'
import { createCli } from './cli.ts'
import type { HubConfig } from './hub.ts'

const CONFIG: HubConfig = {
  data: '/data',
  mcpFiles: ['/data/mcp.json'],
  host: '127.0.0.1',
  port: 0,
  rooms: { kitchen: { topics: ['home/kitchen/#'] } },
  demo: false,
  log: { level: 'info' },
  database: {},
  broker: { kind: 'embedded' },
}

/** The command line at the real operations over REST. */
async function home(t: TestContext, origin = 'https://home.example') {
  const store = openSqlite({ file: ':memory:', log: silentLog })
  const events = createEvents(() => undefined)
  const people = await openPeople({
    store,
    events,
    throttle: createLoginThrottle(),
    roles: DEFAULT_ROLES,
    clock: systemClock,
    log: silentLog,
  })
  t.after(async () => {
    await people.close()
    await store.close()
  })
  const operations = [addPerson, listPeople, changePerson, removePerson, setPassword, pair, listPairings, cancelPairing]
  const { url } = await restServer(
    t,
    operations.map((operation) => operation.bind({ people, origin: () => origin })),
  )
  const run = async (args: readonly string[], terminal: TestTerminal = testTerminal()) => {
    const cli = createCli(
      {
        version: '1.2.3',
        flags: [],
        loadConfig: () => CONFIG,
        startHub: () => assert.fail(),
        findHub: () => ({ pid: 1, url, version: '1.2.3' }),
        readToken: () => OWNER_TOKEN,
        rotateToken: () => assert.fail(),
        checkDatabase: () => assert.fail(),
        servers: () => NO_SERVERS,
      },
      terminal,
    )
    return { code: await cli.run(args), out: terminal.out(), err: terminal.err() }
  }
  return { people, run }
}

/** A script that writes this on standard input. */
const piping = (text: string): TestTerminal => {
  const terminal = testTerminal()
  terminal.stdin.end(text)
  return terminal
}

suite('users on the command line', () => {
  test('add and pair: what a newcomer does', async (t) => {
    const { people, run } = await home(t)
    const added = await run(['user', 'add', 'mia', '--role', 'child'])
    assert.equal(added.code, 0)
    assert.match(added.out, /^name +mia\nrole +child\n/)
    assert.equal(added.err, '`alicia pair mia` lets their phone or browser in.\n')
    const paired = await run(['pair', 'mia'])
    const [, code = ''] = /^https:\/\/home\.example\/pair#([\w-]{14})\n$/.exec(paired.out) ?? []
    assert.match(paired.err, new RegExp(`^It lets one device in as mia, once, until [^\n]*\\. Code: ${code}\n`))
    assert.doesNotMatch(paired.err, /Only this machine/)
    assert.equal((await people.redeem(code, { via: 'rest' })).person.name, 'mia')
  })

  test('a terminal gets a QR code of the address; --no-qr, a pipe and a narrow terminal get the address', async (t) => {
    const { run } = await home(t)
    await run(['user', 'add', 'mia', '--role', 'child'])
    const coloured = await run(['pair', 'mia'], testTerminal({ tty: true, env: {} }))
    assert.ok(coloured.out.includes('\u001B[97;40m██'))
    assert.match(stripVTControlCharacters(coloured.out), /^\n█+\n[█▀▄ \n]+\n\nhttps:/)
    const plain = await run(['pair', 'mia'], testTerminal({ tty: true }))
    assert.match(plain.out, /^\n█+\n[█▀▄ \n]+\n\nhttps:/)
    for (const terminal of [testTerminal(), testTerminal({ tty: true, columns: 20 })])
      assert.match((await run(['pair', 'mia'], terminal)).out, /^https:\S+\n$/)
    assert.match((await run(['pair', 'mia', '--no-qr'], testTerminal({ tty: true }))).out, /^https:\S+\n$/)
  })

  test('pair without a name takes the only person, and asks where there are others', async (t) => {
    const { people, run } = await home(t)
    const nobody = await run(['pair'])
    assert.equal(nobody.code, 2)
    assert.match(nobody.err, /nobody yet[^\n]*\n {2}Add somebody first: alicia user add/)
    await run(['user', 'add', 'mia', '--role', 'child'])
    assert.match((await run(['pair'])).err, /in as mia/)
    await run(['user', 'add', 'ben', '--role', 'guest'])
    const several = await run(['pair'])
    assert.equal(several.code, 2)
    assert.match(several.err, /Name whose device it is\.\n {2}alicia pair <name>: ben, mia/)
    await run(['user', 'disable', 'ben'])
    assert.match((await run(['pair', '--json'])).out, /"name": "mia"/)
    assert.equal((await people.pairings()).length, 2)
  })

  test('rights in a room that nobody described are given, and it is said', async (t) => {
    const { run } = await home(t)
    const add = (name: string, room: string) => run(['user', 'add', name, '--role', 'guest', '--room', room])
    const slip = await add('gus', 'kichen')
    assert.equal(slip.code, 0)
    assert.match(slip.err, /^The configuration has no room kichen: until it does, nothing is in there\.$/m)
    assert.doesNotMatch((await add('leo', 'kitchen')).err, /no room/)
    const role = await run(['user', 'role', 'leo', 'guest', '--scope', 'mqtt:*@device/lamp'])
    assert.match(role.err, /no device lamp/)
  })

  test('a code for less and for longer', async (t) => {
    const { people, run } = await home(t)
    await run(['user', 'add', 'mia', '--role', 'child'])
    await run(['pair', 'mia', '--scope', 'mqtt:read', 'health:read', '--minutes', '60'])
    const [pairing] = await people.pairings()
    assert.deepEqual(pairing?.scopes, ['mqtt:read', 'health:read'])
    assert.equal((pairing?.expiresMs ?? 0) - (pairing?.createdMs ?? 0), 3_600_000)
    assert.match((await run(['pair', 'mia', '--minutes', 'soon'])).err, /--minutes must be/)
  })

  test('who pairs for an address of this machine alone is told', async (t) => {
    const { run } = await home(t, 'http://localhost:8765')
    await run(['user', 'add', 'mia', '--role', 'child'])
    assert.match((await run(['pair', 'mia'])).err, /Only this machine reaches that address/)
  })

  test('passwords come from standard input and are shown nowhere', async (t) => {
    const { people, run } = await home(t)
    const words = 'correct horse battery'
    const outputs = [
      await run(['user', 'add', 'mia', '--role', 'child', '--password'], piping(`${words}\n`)),
      await run(['user', 'list']),
      await run(['user', 'password', 'mia'], piping('another good one\r\n')),
      await run(['user', 'password', 'mia'], piping('short\n')),
      await run(['user', 'password', 'nobody'], piping(words)),
    ]
    assert.deepEqual(
      outputs.map(({ code }) => code),
      [0, 0, 0, 2, 1],
    )
    assert.doesNotMatch(JSON.stringify(outputs), /correct horse|another good|argon2/)
    assert.equal((await people.login('mia', 'another good one', { via: 'rest' })).name, 'mia')
  })

  test('rooms, roles, disabling and removing', async (t) => {
    const { people, run } = await home(t)
    await run(['user', 'add', 'gus', '--role', 'guest', '--room', 'hall', 'kitchen'])
    assert.deepEqual(people.named('gus')?.scopes, [
      'mqtt:*@room/hall',
      'mqtt:*@room/kitchen',
      'devices:*@room/hall',
      'devices:*@room/kitchen',
    ])
    await run(['user', 'role', 'gus', 'guest', '--scope', 'mqtt:read', '--room', 'hall'])
    assert.deepEqual(people.named('gus')?.scopes, ['mqtt:read@room/hall'])
    await run(['user', 'role', 'gus', 'child'])
    assert.deepEqual(people.named('gus')?.scopes, DEFAULT_ROLES.child.scopes)
    await run(['user', 'disable', 'gus'])
    assert.match((await run(['user', 'list'])).out, /^name +role +state +may\ngus +child +disabled +mqtt:\*, .*…\n$/)
    await run(['user', 'enable', 'gus'])
    assert.equal(people.named('gus')?.isDisabled, false)
    assert.equal((await run(['user', 'remove', 'gus'])).out, 'removed  gus\n')
    assert.deepEqual(people.list(), [])
  })

  const wrong: [args: string[], says: RegExp][] = [
    [['user', 'add', 'mia'], /Required option '--role <role>' not specified/],
    [['user', 'add', 'mia', '--role', 'king'], /Allowed choices are owner, adult, child, guest, service/],
    [['user', 'add', '../etc', '--role', 'guest'], /name/],
    [['user', 'add', 'mia', '--role', 'guest', '--room', 'a/b'], /scopes\[0\]/],
    [['user'], /Usage: alicia user/],
  ]
  for (const [args, says] of wrong)
    test(`${args.join(' ')}: a usage error`, async (t) => {
      const { code, err } = await (await home(t)).run(args)
      assert.equal(code, 2)
      assert.match(err, says)
    })
})
