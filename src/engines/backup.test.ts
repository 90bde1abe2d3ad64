import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import type { Fault } from '../kernel/fault.ts'
import { silentLog } from '../kernel/log.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { makeBackup, newRecoveryKey, type BackupSecret } from './backup.ts'
import { encryptChunks } from './backup/chunks.ts'
import { writeEntries, type Entry } from './backup/entries.ts'
import { makeHeader } from './backup/header.ts'
import { takeLock } from './folder-lock.ts'
import { finishRestore } from './restore-journal.ts'
import { restoreBackup, type RestoreOptions } from './restore.ts'

/** Argon2 as cheap as it gets: what it costs is not what is tested. */
const cost = { memory: 64, passes: 1, parallelism: 1 }
const signal = new AbortController().signal
const passphrase: BackupSecret = { is: 'passphrase', passphrase: 'correct horse battery staple' }
const now = new Date('2026-05-04T03:02:01.500Z')

const backUp = (folder: string, target: string, secret: BackupSecret = passphrase) =>
  makeBackup({ folder, target, secret, overwrite: false, version: '1.2.3', now, extra: [], signal, cost })

const restore = (file: string, folder: string, more: Partial<RestoreOptions> = {}) =>
  restoreBackup({
    file,
    folder,
    secret: async () => passphrase,
    replace: false,
    version: '1.2.3',
    now,
    log: silentLog,
    signal,
    prepare: async () => undefined,
    ...more,
  })

/** Every file below, by path; databases by what is in them. */
function contentOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [path.slice(folder.length + 1), readFileSync(path, 'latin1')]
    }),
  )
}

function dataFolder(t: TestContext): string {
  const folder = join(temporaryFolder(t), 'data')
  mkdirSync(join(folder, 'mosquitto', 'certificates'), { recursive: true })
  for (const [path, text] of Object.entries({
    'alicia.jsonc': '{ /* mine */ }',
    token: 'the-token\n',
    empty: '',
    large: 'x'.repeat(200_000),
    'one chunk': 'y'.repeat(65_536),
    'mosquitto/mosquitto.db': 'not of SQLite',
    'mosquitto/certificates/ca.pem': 'PEM',
    'secret.key': 'the key',
    // None of these is data.
    'hub.json': '{}',
    'keys.json.lock': '',
    'token.new': 'half',
    'alicia.db-wal': 'left by nobody',
    'last-week.backup': 'alicia-backup 1\n…',
  }))
    writeFileSync(join(folder, path), text)
  const db = new DatabaseSync(join(folder, 'broker.db'))
  db.exec(`pragma journal_mode = wal; create table retained (topic text); insert into retained values ('home/door')`)
  db.close()
  return folder
}

const KEPT = ['alicia.jsonc', 'broker.db', 'empty', 'large', 'mosquitto', 'one chunk', 'secret.key', 'token']

suite('backup', () => {
  test('what was in the folder is in the restored one, for its owner alone, and nothing else', async (t) => {
    const folder = dataFolder(t)
    const there = temporaryFolder(t)
    const file = join(there, 'home.alicia')
    const { bytes } = await backUp(folder, file)
    assert.equal(statSync(file).size, bytes)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(there), ['home.alicia'])
    assert.ok(!readFileSync(file, 'latin1').includes('the-token'))
    const restored = join(there, 'new', 'data')
    const { manifest, files, aside } = await restore(file, restored)
    assert.deepEqual([manifest.created, files, aside], [now.toISOString(), 9, undefined])
    assert.deepEqual(readdirSync(restored).sort(), [...KEPT, 'hub.lock'].sort())
    const before = contentOf(folder)
    for (const [path, text] of Object.entries(contentOf(restored)))
      if (!/\.(db|lock)$/.test(path)) assert.equal(text, before[path], path)
    for (const name of KEPT) assert.equal(statSync(join(restored, name)).mode & 0o077, 0, name)
    const db = new DatabaseSync(join(restored, 'broker.db'))
    assert.deepEqual({ ...db.prepare('select topic from retained').get() }, { topic: 'home/door' })
    db.close()
  })

  test('a database is kept as it is at one moment, while somebody writes it', async (t) => {
    const folder = dataFolder(t)
    const db = new DatabaseSync(join(folder, 'alicia.db'))
    t.after(() => db.close())
    db.exec(`pragma journal_mode = wal; create table pairs (a integer, b integer);`)
    let count = 0
    const write = () => {
      db.exec(`begin; insert into pairs values (${count}, 0); update pairs set b = a; commit`)
      count += 1
    }
    for (let at = 0; at < 500; at++) write()
    const done = new AbortController()
    const writing = (async () => {
      while (!done.signal.aborted) {
        write()
        await new Promise(setImmediate)
      }
    })()
    const file = join(temporaryFolder(t), 'home.alicia')
    await backUp(folder, file)
    done.abort()
    await writing
    const restored = join(temporaryFolder(t), 'data')
    await restore(file, restored)
    const copy = new DatabaseSync(join(restored, 'alicia.db'))
    const row = { ...copy.prepare('select count(*) as rows, sum(a <> b) as torn from pairs').get() }
    copy.close()
    assert.equal(row['torn'], 0)
    assert.ok(Number(row['rows']) >= 500 && Number(row['rows']) <= count)
  })

  test('a recovery key opens it, however it is typed; a passphrase does not', async (t) => {
    const file = join(temporaryFolder(t), 'home.alicia')
    const key = newRecoveryKey()
    assert.match(key, /^([a-z2-7]{4}-){12}[a-z2-7]{4}$/)
    await backUp(dataFolder(t), file, { is: 'recovery', key })
    const typed = ` ${key.toUpperCase().replaceAll('-', ' ')}\n`
    const folder = () => join(temporaryFolder(t), 'data')
    await restore(file, folder(), {
      async secret(is) {
        assert.equal(is, 'recovery')
        return { is: 'recovery', key: typed }
      },
    })
    for (const secret of [
      passphrase,
      { is: 'recovery', key: newRecoveryKey() },
      { is: 'recovery', key: 'abc' },
    ] as const)
      await assert.rejects(restore(file, folder(), { secret: async () => secret }), {
        code: 'invalid_input',
        message: /recovery key is wrong/,
      })
  })

  test('a short passphrase is refused, and so is a file that is there', async (t) => {
    const folder = dataFolder(t)
    const file = join(temporaryFolder(t), 'home.alicia')
    const short = { is: 'passphrase', passphrase: 'eleven char' } as const
    await assert.rejects(backUp(folder, file, short), { code: 'invalid_input', message: /fewer than 12/ })
    assert.ok(!existsSync(file))
    writeFileSync(file, 'mine')
    await assert.rejects(backUp(folder, file), { code: 'conflict' })
    assert.equal(readFileSync(file, 'utf8'), 'mine')
  })

  test('what fails in the middle leaves no file behind', async (t) => {
    const folder = dataFolder(t)
    const there = temporaryFolder(t)
    const stop = new AbortController()
    const options = { folder, secret: passphrase, overwrite: false, version: '1.2.3', now, extra: [], cost }
    const stopped = makeBackup({
      ...options,
      target: join(there, 'home.alicia'),
      signal: stop.signal,
      onProgress: (done) => done > 100_000 && stop.abort(new Error('enough')),
    })
    await assert.rejects(stopped, /enough/)
    await assert.rejects(makeBackup({ ...options, target: join(there, 'no', 'such', 'file'), signal }), {
      code: 'storage_failed',
      message: /does not exist/,
    })
    assert.deepEqual(readdirSync(there), [])
    assert.ok(!readdirSync(folder).some((name) => name.startsWith('.backup-')))
  })
})

suite('restore', () => {
  test('any bit that is flipped, anywhere: refused, and nothing is changed', async (t) => {
    const folder = dataFolder(t)
    const there = temporaryFolder(t)
    const good = join(there, 'good')
    await backUp(folder, good)
    const bytes = readFileSync(good)
    const target = join(there, 'data')
    const refused = async (damaged: Buffer) => {
      writeFileSync(join(there, 'bad'), damaged)
      await assert.rejects(restore(join(there, 'bad'), target), (fault: Fault) => {
        assert.match(fault.code, /invalid_input|storage_failed/)
        assert.match(fault.message, /damaged|no backup of Alicia|newer version/)
        return true
      })
      assert.ok(!existsSync(target))
    }
    const flip = (bit: number) => {
      const damaged = Buffer.from(bytes)
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      return damaged
    }
    const header = bytes.indexOf(10, bytes.indexOf(10, bytes.indexOf(10) + 1) + 1) + 1
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), (bit) => refused(flip(bit))),
      { numRuns: 150 },
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(header * 8 - 1), (bit) => refused(flip(bit))),
      { numRuns: 150 },
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), (length) => refused(bytes.subarray(0, length))),
      { numRuns: 60 },
    )
    const chunk = 65_552
    const swapped = Buffer.concat([
      bytes.subarray(0, header),
      bytes.subarray(header + chunk, header + 2 * chunk),
      bytes.subarray(header, header + chunk),
      bytes.subarray(header + 2 * chunk),
    ])
    const cutBetween = bytes.subarray(0, header + chunk)
    for (const damaged of [swapped, cutBetween, Buffer.concat([bytes, Buffer.from([0])])]) await refused(damaged)
  })

  test('a wrong passphrase, another file, an empty one, none', async (t) => {
    const there = temporaryFolder(t)
    const file = join(there, 'good')
    await backUp(dataFolder(t), file)
    const wrong = { is: 'passphrase', passphrase: 'correct horse battery stable' } as const
    await assert.rejects(restore(file, join(there, 'data'), { secret: async () => wrong }), {
      code: 'invalid_input',
      message: /passphrase is wrong/,
    })
    for (const text of ['', 'hello', 'alicia-backup one\n'.repeat(500), 'alicia-backup 1', '\n\n\n\n']) {
      writeFileSync(join(there, 'other'), text)
      await assert.rejects(restore(join(there, 'other'), join(there, 'data')), { message: /no backup|damaged/ })
    }
    await assert.rejects(restore(join(there, 'nothing'), join(there, 'data')), { code: 'storage_failed' })
    assert.deepEqual(readdirSync(there).sort(), ['good', 'other'])
  })

  test('a newer format or program: said so, and nothing is changed', async (t) => {
    const there = temporaryFolder(t)
    const file = join(there, 'good')
    await backUp(dataFolder(t), file)
    await assert.rejects(restore(file, join(there, 'data'), { version: '1.1.9' }), {
      message: /newer version.*1\.2\.3/,
    })
    await restore(file, join(there, 'same'), { version: '1.2.0' })
    writeFileSync(file, readFileSync(file, 'latin1').replace('alicia-backup 1\n', 'alicia-backup 2\n'), 'latin1')
    await assert.rejects(restore(file, join(there, 'data')), { message: /newer version/ })
    assert.ok(!existsSync(join(there, 'data')))
  })

  test('a header that would cost its reader too much is refused before anything is computed', async (t) => {
    const there = temporaryFolder(t)
    const file = join(there, 'good')
    await backUp(dataFolder(t), file)
    for (const expensive of ['"memory":99999999', '"passes":1000,"memory":64', '"memory":7']) {
      writeFileSync(join(there, 'bad'), readFileSync(file, 'latin1').replace('"memory":64', expensive), 'latin1')
      await assert.rejects(restore(join(there, 'bad'), join(there, 'data')), { code: 'storage_failed' })
    }
  })

  test('a folder that has something is left alone, or with replace moved aside', async (t) => {
    const there = temporaryFolder(t)
    const file = join(there, 'good')
    await backUp(dataFolder(t), file)
    const target = dataFolder(t)
    writeFileSync(join(target, 'token'), 'another token')
    writeFileSync(join(target, 'mine.json'), 'mine')
    const before = contentOf(target)
    await assert.rejects(restore(file, target), { code: 'conflict', hint: /--replace/ })
    assert.partialDeepStrictEqual(contentOf(target), before)
    const { aside = '' } = await restore(file, target, { replace: true })
    assert.equal(aside, 'before-restore-20260504T030201Z')
    assert.equal(readFileSync(join(target, 'token'), 'utf8'), 'the-token\n')
    assert.ok(!existsSync(join(target, 'mine.json')))
    for (const name of [...KEPT, 'mine.json']) assert.ok(existsSync(join(target, aside, name)), name)
    assert.equal(readFileSync(join(target, aside, 'token'), 'utf8'), 'another token')
    await backUp(target, join(there, 'later'))
    const { files } = await restore(join(there, 'later'), join(there, 'data'))
    assert.equal(files, 9, 'what was moved aside is in no later backup')
  })

  test('a folder with a hub on it is refused', async (t) => {
    const there = temporaryFolder(t)
    await backUp(dataFolder(t), join(there, 'good'))
    const target = dataFolder(t)
    const release = takeLock(join(target, 'hub.lock'))
    t.after(() => release?.())
    await assert.rejects(restore(join(there, 'good'), target, { replace: true }), { code: 'conflict', hint: /Stop it/ })
  })

  const hostile = [
    '../outside',
    '/etc/outside',
    'a/../../outside',
    'a//b',
    './a',
    'a\\b',
    'C:x',
    'hub.lock',
    '.restore.json',
    '',
  ]
  for (const path of hostile)
    test(`a file that would go elsewhere: ${JSON.stringify(path)}`, async (t) => {
      const there = temporaryFolder(t)
      const file = join(there, 'bad')
      await craft(file, [{ is: 'file', path }])
      await assert.rejects(restore(file, join(there, 'data')), { code: 'storage_failed' })
      assert.deepEqual(readdirSync(there), ['bad'])
    })

  test('entries that come twice, out of order, or not at all', async (t) => {
    const there = temporaryFolder(t)
    const file = join(there, 'bad')
    const one = { is: 'file', path: 'a' } as const
    await craft(file, [one, one])
    await assert.rejects(restore(file, join(there, 'data')), { code: 'storage_failed' })
    await craft(file, [one], false)
    await assert.rejects(restore(file, join(there, 'data')), { code: 'storage_failed' })
    await craft(file, [], false)
    await assert.rejects(restore(file, join(there, 'data')), { code: 'storage_failed' })
    assert.deepEqual(readdirSync(there), ['bad'])
  })

  test('cut short at any of its moves, the next start ends it', async (t) => {
    const states = [0, 1, 2, 3, 4]
    for (const moved of states) {
      const folder = temporaryFolder(t)
      const old = ['alicia.db', 'token', 'only-old']
      const fresh = ['alicia.db', 'token', 'only-new']
      mkdirSync(join(folder, '.restore-new'))
      mkdirSync(join(folder, 'before-restore-1'))
      // As the program would have left it after so many moves.
      for (const [at, name] of old.entries())
        writeFileSync(join(folder, at < moved ? 'before-restore-1' : '.', name), `old ${name}`)
      for (const [at, name] of fresh.entries())
        writeFileSync(join(folder, at + 3 < moved ? '.' : '.restore-new', name), `new ${name}`)
      const journal = { aside: 'before-restore-1', old, new: fresh }
      writeFileSync(join(folder, '.restore.json'), JSON.stringify(journal))
      assert.equal(finishRestore(folder), true)
      assert.equal(finishRestore(folder), false)
      for (const name of old) assert.equal(readFileSync(join(folder, 'before-restore-1', name), 'utf8'), `old ${name}`)
      for (const name of fresh) assert.equal(readFileSync(join(folder, name), 'utf8'), `new ${name}`)
      assert.deepEqual(readdirSync(folder).sort(), [...fresh, 'before-restore-1'].sort())
    }
  })
})

/** A backup with entries that the program would not write. */
async function craft(file: string, heads: readonly Entry['head'][], withManifest = true): Promise<void> {
  const { bytes, payloadKey } = await makeHeader(passphrase, cost)
  const manifest = { is: 'manifest', version: '1.2.3', created: now.toISOString(), store: 'sqlite', moved: {} } as const
  const entries = async function* (): AsyncGenerator<Entry> {
    for (const head of withManifest ? [manifest, ...heads] : heads)
      yield {
        head,
        data: (async function* () {
          if (head.is === 'file') yield Buffer.from('x')
        })(),
      }
  }
  const sealed: Buffer[] = []
  for await (const chunk of encryptChunks(payloadKey, writeEntries(entries()))) sealed.push(chunk)
  writeFileSync(file, Buffer.concat([bytes, ...sealed]))
  chmodSync(file, 0o600)
}
