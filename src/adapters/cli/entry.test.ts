import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../testing/folder.ts'

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
const pinned = join(root, 'node_modules', 'node', 'bin', 'node')

/** The machine's own Node, where it has one that is too old to run the program. */
const old = ['/usr/bin/node', '/usr/local/bin/node'].find((program) => {
  if (!existsSync(program)) return false
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return Number(/^v(\d+)/.exec(stdout)?.[1]) < 24
})

/** Every Node there is to try the entry with: the right one, and an old one that has to find the right one. */
const nodes: [string, string][] = [
  ['the right Node', pinned],
  ...(old === undefined ? [] : [['an old Node', old] as [string, string]]),
]

const MAIN = `
export async function run(args) {
  if (args[0] === 'exit') return Number(args[1])
  if (args[0] === 'echo') { for await (const chunk of process.stdin) process.stdout.write(chunk); return 0 }
  if (args[0] === 'nap') { await new Promise((resolve) => setTimeout(resolve, 20).unref()); return 6 }
  if (args[0] === 'forever') { process.stdout.write('ready\\n'); setInterval(() => {}, 1000); await new Promise(() => {}) }
  if (args[0] === 'wait') {
    const got = new Promise((resolve) => process.on('SIGTERM', () => resolve(43)))
    const alive = setInterval(() => {}, 1000)
    process.stdout.write('ready ' + process.versions.node + '\\n')
    const code = await got
    clearInterval(alive)
    return code
  }
}
`

/** A copy of the program with another \`main\`. */
function installation(t: TestContext, { node = true, main = 'src/main.ts' } = {}): string {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'bin'))
  cpSync(join(root, 'bin', 'alicia.js'), join(folder, 'bin', 'alicia.js'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  mkdirSync(join(folder, dirname(main)))
  writeFileSync(join(folder, main), MAIN)
  if (node) {
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(join(root, 'node_modules', 'node'), join(folder, 'node_modules', 'node'))
  }
  return join(folder, 'bin', 'alicia.js')
}

suite('bin/alicia.js', () => {
  for (const [which, node] of nodes) {
    test(`${which}: exit code`, (t) => {
      assert.equal(spawnSync(node, [installation(t), 'exit', '5']).status, 5)
    })

    test(`${which}: a wait for nothing but time does not end it`, (t) => {
      assert.equal(spawnSync(node, [installation(t), 'nap']).status, 6)
    })

    test(`${which}: what was built, where there is no source`, (t) => {
      assert.equal(spawnSync(node, [installation(t, { main: 'dist/main.js' }), 'exit', '6']).status, 6)
    })

    test(`${which}: stdin and stdout`, (t) => {
      const { stdout } = spawnSync(node, [installation(t), 'echo'], { input: 'x'.repeat(200_000), encoding: 'utf8' })
      assert.equal(stdout.length, 200_000)
    })

    test(`${which}: a signal reaches the program, which ends in its own way`, { timeout: 20_000 }, async (t) => {
      const child = spawn(node, [installation(t), 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] })
      const [line] = await once(child.stdout, 'data')
      const [, major = 0] = /^ready (\d+)/.exec(String(line)) ?? []
      assert(Number(major) >= 24)
      child.kill('SIGTERM')
      const [code] = await once(child, 'exit')
      assert.equal(code, 43)
    })

    test(`${which}: kill -9 leaves nothing running`, { timeout: 20_000 }, async (t) => {
      const child = spawn(node, [installation(t), 'forever'], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      child.kill('SIGKILL')
      // The pipe ends when the last process that holds it has ended.
      await once(child, 'close')
    })
  }

  if (old !== undefined)
    test('an old Node without the right one says what to do', (t) => {
      const { status, stderr } = spawnSync(old, [installation(t, { node: false }), 'exit', '0'], { encoding: 'utf8' })
      assert.equal(status, 70)
      assert.match(stderr, /^alicia: Alicia needs Node 24\.12 or newer; this is .* Run "npm ci" in /)
    })

  test('nothing to run says what to do', (t) => {
    const { status, stderr } = spawnSync(pinned, [installation(t, { main: 'other/main.ts' })], { encoding: 'utf8' })
    assert.equal(status, 70)
    assert.match(stderr, /dist\/main\.js is missing\. Run "npm run build"/)
  })
})
