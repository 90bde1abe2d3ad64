import assert from 'node:assert/strict'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import { validate } from 'dockerfile-utils'
import { parse } from 'yaml'
import { runProgram, startProgram, type Program } from '../e2e/support/program.ts'
import { ConfigSchema } from '../src/config/schema.ts'
import { SETTINGS } from '../src/config/settings.ts'
import { services } from '../src/services.ts'

const root = dirname(import.meta.dirname)
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
const defaults = ConfigSchema.parse({})
const variables = new Set<string>(SETTINGS.map(({ env }) => env))
const commands = new Set(['start', 'stdio', 'call', 'tools', 'doctor', 'token'])
const operations = new Set(services.flatMap((service) => service.operations.map(({ name }) => name.split('.')[1])))

interface Instruction {
  readonly name: string
  readonly words: readonly string[]
}

/** Of a Dockerfile: comments left out, continued lines joined. */
function instructionsOf(text: string): Instruction[] {
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
  return lines.flatMap((line) => {
    const [name, ...words] = line.trim().split(/\s+/)
    return name ? [{ name, words }] : []
  })
}

/** The words of an instruction in its JSON form. */
const execForm = (instruction: Instruction | undefined): string[] =>
  JSON.parse(/\[.*\]$/.exec(instruction?.words.join(' ') ?? '')?.[0] ?? '[]') as string[]

suite('Dockerfile', () => {
  const text = read('Dockerfile')
  const all = instructionsOf(text)
  const final = all.slice(all.findLastIndex(({ name }) => name === 'FROM'))
  const only = (wanted: string) => final.find(({ name }) => name === wanted)
  const env = Object.fromEntries(only('ENV')?.words.map((word) => word.split('=') as [string, string]) ?? [])

  test('has no complaint of the linter', () => {
    assert.deepEqual(validate(text), [])
  })

  test('every file it copies exists, and .dockerignore lets it through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
    const sources = all
      .filter(({ name, words }) => name === 'COPY' && !words[0]?.startsWith('--from='))
      .flatMap(({ words }) => words.slice(0, -1))
    for (const source of sources) {
      assert.ok(existsSync(join(root, source)), source)
      assert.ok(allowed.includes(`!${source}`), `${source} is ignored`)
    }
    assert.deepEqual(allowed.map((line) => line.slice(1)).toSorted(), sources.filter(isFirst).toSorted())
  })

  test('the Node of both stages is of the release that package.json pins', () => {
    const [major] = dependencies['node']?.split('.') ?? []
    const images = all.filter(({ name }) => name === 'FROM').map(({ words }) => words[0])
    assert.equal(images.length, 2)
    for (const image of images) assert.match(image ?? '', new RegExp(`^node:${major}-.*slim$`))
  })

  test('runs as somebody who is not root, and owns the data folder', () => {
    assert.deepEqual(only('USER')?.words, ['node'])
    assert.match(only('RUN')?.words.join(' ') ?? '', /install -d -o node -g node -m 700 \/data\b/)
    assert.deepEqual(only('VOLUME')?.words, [env['ALICIA_DATA']])
  })

  test('names variables, ports, commands and operations that there are', () => {
    const named = Object.keys(env).filter((name) => name.startsWith('ALICIA_'))
    assert.deepEqual(
      named.filter((name) => !variables.has(name)),
      [],
    )
    assert.deepEqual(only('EXPOSE')?.words, [String(defaults.port), String(defaults.broker.port)])
    assert.deepEqual(execForm(only('ENTRYPOINT')), ['alicia'])
    assert.ok(commands.has(execForm(only('CMD'))[0] ?? ''))
    const [alicia, command, operation] = execForm(only('HEALTHCHECK'))
    assert.deepEqual([alicia, command], ['alicia', 'call'])
    assert.ok(operations.has(operation))
  })

  test('`alicia` is in the path, and is the program', () => {
    const [, target] = /ln -s \/app\/(\S+) \/usr\/local\/bin\/alicia\b/.exec(only('RUN')?.words.join(' ') ?? '') ?? []
    const { bin } = JSON.parse(read('package.json')) as { bin: { alicia: string } }
    assert.equal(target, bin.alicia)
    assert.match(read(target ?? ''), /^#!\/usr\/bin\/env node\n/)
  })
})

suite('compose.yaml', () => {
  const file = parse(read('compose.yaml')) as {
    services: { alicia: Record<string, unknown> & { ports: string[]; volumes: string[]; environment: object } }
    volumes: object
  }
  const { alicia } = file.services

  test('publishes the ports of the hub, on this machine only', () => {
    const ports = [defaults.port, defaults.broker.port]
    assert.deepEqual(
      alicia.ports,
      ports.map((port) => `127.0.0.1:${port}:${port}`),
    )
  })

  test('keeps the data folder in a volume, and lets nothing else be written', () => {
    assert.deepEqual(alicia.volumes, ['data:/data'])
    assert.deepEqual(Object.keys(file.volumes), ['data'])
    assert.equal(alicia['read_only'], true)
    assert.deepEqual(alicia['tmpfs'], ['/tmp'])
  })

  test('gives up every right it can', () => {
    assert.deepEqual(alicia['cap_drop'], ['ALL'])
    assert.deepEqual(alicia['security_opt'], ['no-new-privileges:true'])
    assert.equal(alicia['privileged'] ?? alicia['user'] ?? alicia['network_mode'], undefined)
  })

  test('names variables that there are', () => {
    const named = Object.keys(alicia.environment).filter((name) => name.startsWith('ALICIA_'))
    assert.deepEqual(
      named.filter((name) => !variables.has(name)),
      [],
    )
  })
})

suite('build', () => {
  test('runs without the sources and with nothing but the production dependencies', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'alicia-build-'))
    let hub: Program | undefined
    t.after(async () => {
      await hub?.end()
      rmSync(folder, { recursive: true, force: true })
    })
    const { code, stdout, stderr } = await runProgram(process.execPath, [
      join(root, 'scripts', 'build.ts'),
      join(folder, 'dist'),
    ])
    assert.equal(code, 0, `${stdout}${stderr}`)
    assert.deepEqual(globSync('dist/**/*{.test,.suite,testing}*', { cwd: folder }), [])
    // Threads, which nothing imports.
    const threads = globSync('**/*.worker.ts', { cwd: join(root, 'src') }).map((path) => path.replace(/ts$/, 'js'))
    assert.deepEqual(globSync('**/*.worker.js', { cwd: join(folder, 'dist') }), threads)
    for (const path of ['bin', 'package.json']) cpSync(join(root, path), join(folder, path), { recursive: true })
    for (const name of Object.keys(dependencies)) {
      mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
    }

    const args = ['start', '--json', '--demo', '--data', join(folder, 'data'), '--port', '0', '--mqtt-port', '0']
    hub = startProgram(process.execPath, [join(folder, 'bin', 'alicia.js'), ...args])
    const [line] = await hub.says(/^\{"event":"ready".*\}$/m)
    const { urls } = JSON.parse(line) as { urls: { http: string } }
    const page = await (await fetch(urls.http)).text()
    const linked = [...page.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(([, path]) => path ?? '')
    assert.ok(linked.length >= 2, page)
    for (const path of linked) assert.equal((await fetch(`${urls.http}${path}`)).status, 200, path)
    const health = (await (await fetch(`${urls.http}/health`)).json()) as { status: string }
    assert.equal(health.status, 'available')
    assert.equal((await hub.end()).code, 0)
  })
})

const isFirst = (value: string, index: number, all: readonly string[]) => all.indexOf(value) === index
