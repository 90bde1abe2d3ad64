#!/usr/bin/env node
// The one file that an old Node must be able to run: plain JavaScript for Node 18 and newer. It starts the program with
// the Node that came with it (the npm package `node`) when the one on the machine is too old.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The first Node that runs TypeScript as it is without a warning. */
const OLDEST = [24, 12]

const script = fileURLToPath(import.meta.url)
const root = dirname(dirname(script))

if (isNewEnough(process.versions.node)) await runHere()
else runWithPinnedNode()

/** @param {string} version */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

async function runHere() {
  module.enableCompileCache?.()
  // The parent below is gone without a signal (kill -9): end as if it had passed one on.
  if (process.channel) {
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
    process.channel.unref()
  }
  const { run } = await import(entry())
  // Alicia's timers keep no process alive, so a wait for nothing but time would end it with Node's exit code 13.
  const alive = setInterval(() => {}, 2 ** 30)
  process.exitCode = await run(process.argv.slice(2))
  clearInterval(alive)
}

/** The sources where they are; Node refuses TypeScript below node_modules, so there it is what was built from them. */
function entry() {
  const source = join(root, 'src', 'main.ts')
  const installed = root.includes(`${sep}node_modules${sep}`)
  const path = existsSync(source) && !installed ? source : join(root, 'dist', 'main.js')
  if (!existsSync(path)) giveUp(`${path} is missing. Run "npm run build" in ${root}.`)
  return pathToFileURL(path).href
}

function runWithPinnedNode() {
  const child = spawn(pinnedNode(), [script, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      // Ctrl-C at a terminal reaches the child by itself; twice would mean "stop at once".
      if (!(signal === 'SIGINT' && atTerminal)) child.kill(signal)
    })
  child.on('error', (error) => giveUp(`The Node that came with Alicia does not start: ${error.message}.`))
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0))
  })
}

function pinnedNode() {
  const require = module.createRequire(script)
  try {
    const folder = dirname(require.resolve('node/package.json'))
    const program = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (existsSync(program)) return program
  } catch {
    // Not installed: said below.
  }
  return giveUp(
    `Alicia needs Node ${OLDEST.join('.')} or newer; this is ${process.versions.node}, and the one that belongs to ` +
      `Alicia (the npm package "node") is not installed. Run "npm ci" in ${root}.`,
  )
}

/**
 * @param {string} message
 * @returns {never}
 */
function giveUp(message) {
  process.stderr.write(`alicia: ${message}\n`)
  process.exit(70)
}
