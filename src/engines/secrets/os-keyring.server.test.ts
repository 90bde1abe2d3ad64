import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { suite, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../testing/folder.ts'

const SEALING = fileURLToPath(new URL('../../testing/sealing.ts', import.meta.url))

/** A person's login: a D-Bus of its own with GNOME Keyring, unlocked, ended with the program. */
const SESSION = 'printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$0" "$@"'

interface Outcome {
  readonly text: string
  readonly plain: string
  readonly root: { readonly id: string; readonly source: string; readonly retired: number }
  readonly message: string
  readonly hint: string
}

function person(t: TestContext) {
  const folder = temporaryFolder(t)
  const home = join(folder, 'home')
  mkdirSync(home)
  chmodSync(home, 0o700)
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, XDG_RUNTIME_DIR: home }
  const run = (program: string, args: readonly string[]) =>
    JSON.parse(execFileSync(program, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as Outcome
  const file = join(folder, 'secret.key')
  return {
    folder,
    file,
    inSession: (...args: string[]) =>
      run('dbus-run-session', ['--', 'sh', '-c', SESSION, process.execPath, SEALING, file, ...args]),
    withoutSession: (...args: string[]) => run(process.execPath, [SEALING, file, ...args]),
  }
}

suite('the root key in the keyring of the operating system', () => {
  test('it is made there, outlives the session, and stands in no file', (t) => {
    const { folder, inSession } = person(t)
    const first = inSession('hub')
    assert.deepEqual([first.plain, first.root.source], ['hunter2', 'keyring'])
    const later = inSession('hub', first.text)
    assert.deepEqual([later.plain, later.root], ['hunter2', first.root])
    assert.deepEqual(readdirSync(folder).sort(), ['home', 'keys.json', 'keys.json.lock'])
    assert.match(inSession('another hub', first.text).message, /root key is gone/)
  })

  test('a key of the file moves there, and only then is the file gone', (t) => {
    const { file, inSession, withoutSession } = person(t)
    const before = withoutSession('')
    const [{ key }] = (JSON.parse(readFileSync(file, 'utf8')) as { keys: [{ key: string }] }).keys
    const refused = withoutSession('hub', before.text)
    assert.match(refused.message, /OS keyring cannot be used/)
    assert.match(refused.hint, /Secret Service.*remove secretKeySource/)
    assert.ok(!JSON.stringify(refused).includes(key))
    assert.ok(existsSync(file), 'no keyring took it')
    const moved = inSession('hub', before.text)
    assert.deepEqual([moved.plain, moved.root.id, moved.root.source], ['hunter2', before.root.id, 'keyring'])
    assert.ok(!existsSync(file))
    assert.equal(inSession('hub', before.text).plain, 'hunter2')
    assert.match(withoutSession('', before.text).hint, /secretKeySource/, 'it is not made anew in a file')
  })
})
