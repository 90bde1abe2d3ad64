import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { temporaryFolder } from '../../testing/folder.ts'
import { openBook, readIfThere } from './book.ts'
import { findProgram, serverChecks } from './checks.ts'

/** Everything that `doctor` finds in a file with those servers. */
async function findings(t: TestContext, mcpServers: object) {
  const folder = temporaryFolder(t)
  const file = join(folder, 'mcp.json')
  writeFileSync(file, JSON.stringify({ mcpServers }), { mode: 0o600 })
  const machine = {
    env: { PATH: [dirname(process.execPath), folder].join(delimiter) },
    cwd: folder,
    home: folder,
    platform: 'linux' as const,
  }
  const book = openBook([file], { ...machine, readFile: readIfThere, secret: () => undefined, reserved: ['mqtt'] })
  const read = async () => {
    const checks = serverChecks(book, machine)
    const all = await Promise.all(
      checks.map(async ({ name, run }) => ({ name, ...(await run(new AbortController().signal)) })),
    )
    return all.map((found) => `${found.is} ${found.name}: ${found.text.replaceAll(folder, '/f')}`)
  }
  return { file, read }
}

const listening = async (t: TestContext, listener: RequestListener) => {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

suite('doctor on servers', () => {
  const cases: [string, object, RegExp[]][] = [
    ['a command that is there', { a: { command: 'node' } }, [/^ok Server a: .*node$/]],
    ['one that is not', { a: { command: 'frobnicate' } }, [/^failed Server a: the command frobnicate is not found$/]],
    [
      'a line as for a shell',
      { a: { command: 'npx -y pkg' } },
      [/^failed Server a: the command npx -y pkg is not found$/],
    ],
    [
      'a folder that is not',
      { a: { command: 'node', cwd: 'none' } },
      [/^failed Server a: the folder \/f\/none does not/],
    ],
    ['switched off', { a: { command: 'frobnicate', disabled: true } }, [/^note Server a: switched off$/]],
    [
      'a variable that is missing',
      { a: { command: 'node', args: ['${N}'] } },
      [/^failed Server a: \/f\/mcp\.json:1: .*the variable N is not set$/],
    ],
    ['the same, switched off', { a: { command: '${N}', disabled: true } }, [/^note Server a: switched off; \/f\/mcp/]],
    ['a name of ours', { mqtt: { command: 'node' } }, [/^failed Server mqtt: .*part of Alicia/]],
    [
      'a slip',
      { a: { command: 'node', envv: 1 } },
      [/^warning Servers: \/f\/mcp\.json:1: .*did you mean env/, /^ok Server a/],
    ],
    [
      'a secret',
      { a: { command: 'node', env: { API_KEY: 'hunter2' } } },
      [/^ok Server a/, /^warning Server a: \/f\/mcp\.json:1: env\.API_KEY holds a secret in cleartext$/],
    ],
    [
      'twins',
      { a: { command: 'node' }, b: { command: 'node' } },
      [/^ok Server a/, /^ok Server b/, /^warning Server b: it is the same as a$/],
    ],
  ]
  for (const [why, servers, says] of cases)
    test(why, async (t) => {
      const found = await (await findings(t, servers)).read()
      assert.equal(found.length, says.length, found.join('\n'))
      for (const [index, pattern] of says.entries()) assert.match(found[index] ?? '', pattern)
      assert.doesNotMatch(found.join(), /hunter2/)
    })

  test('addresses: one that answers, wants a login, has nothing, is not there; no secret is sent', async (t) => {
    const seen: string[] = []
    const answering = (status: number) =>
      listening(t, (request, response) => {
        seen.push(`${request.url} ${request.headers.authorization ?? ''}`)
        response.writeHead(status).end()
      })
    const [fine, login, nothing] = await Promise.all([answering(405), answering(401), answering(404)])
    const gone = createServer()
    await once(gone.listen(0, '127.0.0.1'), 'listening')
    const closed = `http://127.0.0.1:${(gone.address() as AddressInfo).port}/mcp`
    await new Promise((resolve) => gone.close(resolve))
    const { read } = await findings(t, {
      fine: { url: `${fine}?api_key=\${API_KEY:-hunter2}`, headers: { Authorization: '${API_KEY:-hunter2}' } },
      login: { url: login },
      nothing: { url: nothing },
      closed: { url: closed },
      discard: { url: 'http://127.0.0.1:9/mcp' },
    })
    const found = (await read()).filter((text) => !text.includes('cleartext'))
    assert.deepEqual(found, [
      `ok Server fine: ${fine} answers`,
      `ok Server login: ${login} answers and wants a login`,
      `warning Server nothing: ${nothing} answers that there is nothing (404)`,
      `failed Server closed: ${closed} cannot be reached: nothing listens there`,
      'failed Server discard: http://127.0.0.1:9/mcp cannot be reached: nothing listens there',
    ])
    assert.deepEqual([...new Set(seen)], ['/mcp '])
  })

  test('a file with secrets that others can read', async (t) => {
    const { file, read } = await findings(t, { a: { command: 'node', env: { API_KEY: 'hunter2' } } })
    chmodSync(file, 0o644)
    assert.match((await read()).at(-1) ?? '', /^failed Servers: others can read \/f\/mcp\.json, which holds secrets$/)
  })

  test('programs are found in PATH, with the endings of Windows there', (t) => {
    const folder = temporaryFolder(t)
    writeFileSync(join(folder, 'tool'), '', { mode: 0o755 })
    writeFileSync(join(folder, 'plain'), '', { mode: 0o644 })
    const machine = { env: { PATH: folder }, cwd: '/', home: '/', platform: 'linux' as const }
    assert.equal(findProgram('tool', machine), join(folder, 'tool'))
    assert.equal(findProgram(join(folder, 'tool'), machine), join(folder, 'tool'))
    assert.equal(findProgram('plain', machine), undefined)
    assert.equal(findProgram('tool', { ...machine, env: {} }), undefined)
  })
})
