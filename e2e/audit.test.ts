import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test } from 'node:test'
import { emptyHome, runAlicia, startHub, type Home, type TestHub } from './support/hub.ts'
import { within } from './support/program.ts'

interface Entry {
  readonly operation: string
  readonly outcome: string
  readonly arguments?: { readonly name?: string }
}

/** Makes tokens until the hub is gone, some side by side. Returns the names of those whose maker was answered. */
async function writeUntilKilled(hub: TestHub, round: number): Promise<Set<string>> {
  const answered = new Set<string>()
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  const write = async (writer: number) => {
    for (let number = 0; ; number++) {
      const name = `r${round}-${writer}-${number}`
      const { status } = await hub.call('tokens.create_token', { name, scopes: ['mqtt:read'] })
      if (status !== 200) return
      answered.add(name)
      if (answered.size === 100) resolve()
    }
  }
  const writers = Array.from({ length: 6 }, (_, writer) => write(writer).catch(() => undefined))
  await within(enough, 'a hundred writes')
  await hub.end('SIGKILL')
  await Promise.all(writers)
  return answered
}

async function namesOnRecord(hub: TestHub): Promise<Set<string>> {
  const names = new Set<string>()
  let cursor: unknown
  do {
    const input = { operation: 'tokens.create_token', outcome: 'ok', limit: 500, ...(cursor ? { cursor } : {}) }
    const page = await hub.result('audit.search_audit', input)
    for (const { arguments: given } of page['entries'] as Entry[]) if (given?.name !== undefined) names.add(given.name)
    cursor = page['cursor']
  } while (cursor !== undefined)
  return names
}

const verify = ({ data, env }: Home) => runAlicia(['audit', 'verify', '--data', data], env)

/** What somebody does who has the database and not the keys. */
function tamper({ data }: Home, statement: string): void {
  const db = new DatabaseSync(join(data, 'alicia.db'))
  db.exec(statement)
  db.close()
}

test('kill -9 under load: every write that was answered is on record, and the chain is sound', async (t) => {
  const home = emptyHome(t)
  for (let round = 0; round < 2; round++) {
    const answered = await writeUntilKilled(await startHub(t, { home }), round)
    const dead = await verify(home)
    assert.equal(dead.code, 0, dead.stdout)
    const hub = await startHub(t, { home })
    const onRecord = await namesOnRecord(hub)
    assert.deepEqual(
      [...answered].filter((name) => !onRecord.has(name)),
      [],
    )
    assert.equal((await hub.result('audit.verify_audit'))['is_sound'], true)
    assert.equal((await hub.end()).code, 0)
  }
  assert.match((await verify(home)).stdout, /^[0-9a-f]{12} {2}entries 1 to \d+ {2}\S+\nThe audit is sound\.\n$/)
})

suite('somebody changes the database of a hub that does not run', () => {
  const tamperings = [
    ['an entry', "update audit set caller_id = 'eve' where seq = 2", /entry 2: was changed/],
    ['what is missing', 'delete from audit where seq = 2', /entry 2: is missing/],
    ['the end', 'delete from audit where seq > 2', /entr(y 3|ies 3 to \d+): is missing at the end/],
  ] as const
  for (const [what, statement, says] of tamperings)
    test(what, async (t) => {
      const hub = await startHub(t)
      const { home } = hub
      for (const name of ['a', 'b', 'c']) await hub.result('tokens.create_token', { name, scopes: ['mqtt:read'] })
      await hub.end()
      const before = await verify(home)
      assert.equal(before.code, 0, before.stdout + before.stderr)
      tamper(home, statement)
      const { code, stdout } = await verify(home)
      assert.equal(code, 1)
      assert.match(stdout, says)
      // Nor does a start make it good.
      const next = await startHub(t, { home })
      assert.equal((await next.result('audit.verify_audit'))['is_sound'], false)
    })
})

test('what is on record: without secrets, also of those who were not let in; exported, it is verified elsewhere', async (t) => {
  const hub = await startHub(t)
  await hub.call('mqtt.ping', {}, { token: 'not-a-token-of-anybody' })
  const { token } = (await hub.result('tokens.create_token', { name: 'tablet', scopes: ['audit:read'] })) as {
    token: string
  }
  await hub.call('tokens.create_token', { name: 'more', scopes: ['*'], password: 'hunter2' }, { token })
  const { entries } = (await hub.result('audit.search_audit', {}, { token })) as { entries: Entry[] }
  assert.deepEqual(
    entries.map(({ operation, outcome }) => [operation, outcome]),
    [
      ['tokens.create_token', 'forbidden'],
      ['tokens.create_token', 'ok'],
      ['token.refused', 'unauthenticated'],
    ],
  )
  const { stdout } = await hub.cli(['audit', 'export'])
  assert.doesNotMatch(stdout, /hunter2|not-a-token/)
  assert.ok(!stdout.includes(token))
  const file = join(hub.home.folder, 'export.jsonl')
  writeFileSync(file, stdout)
  assert.equal((await hub.cli(['audit', 'verify', '--file', file])).code, 0)
  writeFileSync(file, stdout.replace('tablet', 'kettle'))
  const changed = await hub.cli(['audit', 'verify', '--file', file])
  assert.deepEqual([changed.code, /entry 2: was changed/.test(changed.stdout)], [1, true])
  assert.match((await hub.cli(['audit', '--outcome', 'failed'])).stdout, /token\.refused.*\n.*create_token  forbidden/)
  await hub.end('SIGINT')
  const none = join(hub.home.folder, 'elsewhere')
  assert.match((await verify({ ...hub.home, data: none })).stderr, /There is no audit in .*, nor the keys of one\./)
  rmSync(join(hub.home.data, 'audit-keys.json'))
  const gone = await verify(hub.home)
  assert.deepEqual([gone.code, /The keys of the audit are gone/.test(gone.stderr)], [1, true])
})
