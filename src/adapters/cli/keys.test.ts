import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { z } from 'zod'
import { heldClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { operation } from '../../kernel/operation.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { OWNER_TOKEN, restServer } from '../../testing/rest-server.ts'
import { testTerminal, type TestTerminal } from '../../testing/terminal.ts'
import type { BackupSecret } from './backups.ts'
import { createCli } from './cli.ts'
import type { Composition, HubConfig } from './hub.ts'

const CONFIG: HubConfig = {
  data: '/data',
  mcpFiles: ['/data/mcp.json'],
  host: '127.0.0.1',
  port: 0,
  demo: false,
  log: { level: 'info' },
  database: {},
  broker: { kind: 'embedded' },
}

async function run(
  args: readonly string[],
  more: Partial<Composition<HubConfig>> = {},
  terminal: TestTerminal = testTerminal(),
): Promise<{ code: number; terminal: TestTerminal }> {
  const composition: Composition<HubConfig> = {
    version: '1.2.3',
    flags: [{ flag: '--data <folder>', env: 'ALICIA_DATA', summary: 'data folder' }],
    loadConfig: () => CONFIG,
    startHub: () => assert.fail(),
    findHub: () => undefined,
    readToken: () => OWNER_TOKEN,
    rotateToken: () => assert.fail(),
    checkDatabase: () => assert.fail(),
    servers: () => assert.fail(),
    ...more,
  }
  return { code: await createCli(composition, terminal, heldClock()).run(args), terminal }
}

/** A hub whose key operations say what they were asked. */
async function atHub(t: TestContext) {
  const asked: unknown[] = []
  const make = (name: `security.${string}`) =>
    operation()({
      name,
      summary: 'x',
      scope: 'crypto:write',
      effect: 'write',
      input: z.object({
        name: z.string().optional(),
        version: z.int().optional(),
        accept_loss: z.boolean().optional(),
      }),
      output: z.unknown(),
      handler: async (input) => (asked.push([name, input]), { done: name }),
    }).bind({})
  const names = ['list_keys', 'rotate_key', 'rewrap_secrets', 'destroy_key_version', 'rotate_signing_key'] as const
  const { url } = await restServer(
    t,
    names.map((name) => make(`security.${name}`)),
  )
  return { asked, findHub: () => ({ pid: 1, url, version: '1.2.3' }) }
}

suite('alicia key', () => {
  test('without a hub: list and rotate work on the files, the others say what to do', async () => {
    const rotated: string[] = []
    const keys = { list: () => ({ keys: ['hub'] }), rotate: (_: HubConfig, name: string) => void rotated.push(name) }
    assert.match((await run(['key', 'list', '--json'], { keys })).terminal.out(), /"hub"/)
    for (const args of [['rotate'], ['rotate', 'root'], ['rotate', 'diary']])
      assert.equal((await run(['key', ...args], { keys })).code, 0)
    assert.deepEqual(rotated, ['hub', 'root', 'diary'])
    for (const args of [['rewrap'], ['destroy', 'hub', '1'], ['rotate', '--signing']]) {
      const { code, terminal } = await run(['key', ...args], { keys })
      assert.equal(code, 4)
      assert.match(terminal.err(), /alicia start/)
    }
  })

  test('with a hub: it is asked', async (t) => {
    const { asked, findHub } = await atHub(t)
    const keys = { list: () => assert.fail(), rotate: () => assert.fail() }
    for (const args of [['list'], ['rotate'], ['rewrap'], ['destroy', 'diary', '2', '--accept-loss']])
      assert.equal((await run(['key', ...args], { keys, findHub })).code, 0)
    assert.deepEqual(asked, [
      ['security.list_keys', {}],
      ['security.rotate_key', { name: 'hub' }],
      ['security.rewrap_secrets', {}],
      ['security.destroy_key_version', { name: 'diary', version: 2, accept_loss: true }],
    ])
  })

  test('rotate --signing is of the key of access tokens alone', async (t) => {
    const { asked, findHub } = await atHub(t)
    assert.equal((await run(['key', 'rotate', '--signing'], { findHub })).code, 0)
    const { code, terminal } = await run(['key', 'rotate', 'root', '--signing'], { findHub })
    assert.equal(code, 2)
    assert.match(terminal.err(), /the one or the other/)
    assert.deepEqual(asked, [['security.rotate_signing_key', {}]])
  })

  for (const version of ['0', 'one', '1.5', '-1'])
    test(`no version: ${version}`, async () =>
      assert.equal((await run(['key', 'destroy', 'hub', '--', version])).code, 2))
})

suite('alicia backup and restore', () => {
  const backups = (seen: { secret?: BackupSecret; file?: string }, was: BackupSecret['is'] = 'passphrase') => ({
    newRecoveryKey: async () => 'abcd-efgh',
    make: async (_: HubConfig, { secret, file }: { secret: BackupSecret; file: string }) => {
      Object.assign(seen, { secret, file })
      return { bytes: 1_234_567, files: 9 }
    },
    async restore(_: HubConfig, request: { secret(is: BackupSecret['is']): Promise<BackupSecret>; replace: boolean }) {
      Object.assign(seen, { secret: await request.secret(was), replace: request.replace })
      return {
        created: '2026-05-04T03:02:01.000Z',
        version: '1.2.3',
        files: 9,
        aside: '/data/before-restore-x',
        moved: { 'alicia.jsonc': '/etc/alicia.jsonc' },
      }
    },
  })

  const typing = (text: string) => {
    const terminal = testTerminal()
    terminal.stdin.end(text)
    return terminal
  }

  test('the passphrase comes from stdin or a file, and is shown nowhere', async (t) => {
    const folder = temporaryFolder(t)
    const file = join(folder, 'passphrase')
    writeFileSync(file, 'of the file, no less\r\n')
    const target = join(folder, 'home.backup')
    for (const [flags, terminal, passphrase] of [
      [[], typing('of stdin, no more\n'), 'of stdin, no more'],
      [['--passphrase-file', file], testTerminal(), 'of the file, no less'],
    ] as const) {
      const seen: { secret?: BackupSecret; file?: string } = {}
      const ran = await run(['backup', target, ...flags], { backups: backups(seen) }, terminal)
      assert.equal(ran.code, 0, ran.terminal.err())
      assert.deepEqual(seen, { secret: { is: 'passphrase', passphrase }, file: target })
      assert.equal(ran.terminal.out(), '')
      assert.match(ran.terminal.err(), /home\.backup: 9 files, 1\.2 MB\.\n$/)
      assert.ok(!ran.terminal.err().includes(passphrase))
    }
  })

  test('a recovery key stands alone on stdout, and only when the backup is there', async (t) => {
    const target = join(temporaryFolder(t), 'home.backup')
    const seen = {}
    const { terminal } = await run(['backup', target, '--recovery-key'], { backups: backups(seen) })
    assert.equal(terminal.out(), 'abcd-efgh\n')
    assert.match(terminal.err(), /not shown again/)
    const full = { ...backups(seen), make: () => Promise.reject(new Fault('storage_failed', 'The disk is full.')) }
    const failed = await run(['backup', target, '--recovery-key'], { backups: full })
    assert.deepEqual([failed.code, failed.terminal.out()], [1, ''])
  })

  test('a file that is there is noticed before anything is asked', async (t) => {
    const target = join(temporaryFolder(t), 'home.backup')
    writeFileSync(target, 'mine')
    const { code, terminal } = await run(['backup', target], { backups: backups({}) })
    assert.equal(code, 1)
    assert.match(terminal.err(), /--force/)
  })

  for (const is of ['passphrase', 'recovery'] as const)
    test(`restore asks for the ${is} that the file wants, and says what it did`, async () => {
      const seen: { secret?: BackupSecret; replace?: boolean } = {}
      const { code, terminal } = await run(
        ['restore', 'x', '--replace'],
        { backups: backups(seen, is) },
        typing('it\n'),
      )
      assert.equal(code, 0)
      const secret = is === 'passphrase' ? { is, passphrase: 'it' } : { is, key: 'it' }
      assert.deepEqual(seen, { secret, replace: true })
      assert.match(terminal.err(), /Restored 9 files of 2026-05-04.*into \/data/)
      assert.match(terminal.err(), /before is in \/data\/before-restore-x\.\nalicia\.jsonc was \/etc\/alicia\.jsonc\./)
    })
})
