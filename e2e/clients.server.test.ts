import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findProgram } from '../scripts/ensure-servers.ts'
import { anyFreePort } from '../src/testing/free-port.ts'
import { ALICIA, emptyHome, startHub, type Ending } from './support/hub.ts'
import { overCommand } from './support/mcp.ts'
import { runProgram, startProgram } from './support/program.ts'

const INSPECTOR = fileURLToPath(new URL('../node_modules/.bin/mcp-inspector', import.meta.url))

suite('the MCP inspector’s command line', () => {
  for (const protocolEra of ['legacy', 'modern'])
    test(`lists and calls tools, ${protocolEra}`, async (t) => {
      const hub = await startHub(t)
      const config = join(hub.home.folder, 'inspector.json')
      const headers = { Authorization: `Bearer ${hub.token}` }
      const server = { type: 'streamable-http', url: hub.urls.mcp, headers, protocolEra }
      writeFileSync(config, JSON.stringify({ mcpServers: { alicia: server } }))
      const inspect = async (...args: string[]) => {
        const where = ['--cli', '--config', config, '--server', 'alicia', '--format', 'json']
        const ended = await runProgram(process.execPath, [INSPECTOR, ...where, ...args], {
          env: { ...hub.home.env, MCP_INSPECTOR_SECRET_STORE: 'memory' },
        })
        return { ...ended, said: JSON.parse(ended.stdout || ended.stderr.trim().split('\n').at(-1) || '') as Said }
      }
      const listed = await inspect('--method', 'tools/list', '--strict')
      assert.equal(listed.code, 0, `no schema that a client cannot use:\n${listed.stderr}`)
      assert.ok(listed.said.result.tools?.some(({ name }) => name === 'publish_message'))
      const call = (name: string, ...pairs: string[]) =>
        inspect('--method', 'tools/call', '--tool-name', name, ...pairs.flatMap((pair) => ['--tool-arg', pair]))
      const { said } = await call('establish_connection', 'name=inspector')
      const session = `session_id=${String(said.result.structuredContent?.['session_id'])}`
      const published = await call('publish_message', session, 'topic=e2e', 'payload=hello', 'qos=1')
      assert.equal(published.said.result.structuredContent?.['confirmed'], true)
      const wrong = await call('publish_message', session, 'topic=e2e/#', 'payload=hello')
      assert.notEqual(wrong.code, 0)
      assert.match(wrong.stdout + wrong.stderr, /invalid_input/)
    })
})

interface Said {
  result: { tools?: { name: string }[]; structuredContent?: Record<string, unknown> }
}

suite('alicia stdio through ssh', () => {
  for (const isRunning of [true, false])
    test(isRunning ? 'attaches to the hub that runs there' : 'runs a hub there', async (t) => {
      const home = emptyHome(t)
      const hub = isRunning ? await startHub(t, { home }) : undefined
      const ssh = await startSshd(t)
      const remote = [process.execPath, ALICIA, 'stdio', '--data', home.data, '--port', '0', '--mqtt-port', '0']
      const assistant = await overCommand(t, 'ssh', [...ssh, `HOME=${home.env['HOME']} exec ${remote.join(' ')}`], {})
      const { session_id } = await assistant.call('establish_connection', { name: 'through ssh' })
      const progress: number[] = []
      const collected = await assistant.call(
        'subscribe_and_collect',
        { session_id, topic: 'e2e', duration: 1.2, max_messages: 1 },
        () => void progress.push(1),
      )
      assert.equal(collected['returned'], 0)
      assert.ok(progress.length > 0)
      if (hub) {
        const { connections } = await hub.result('mqtt.list_active_connections')
        assert.partialDeepStrictEqual(connections, [{ name: 'through ssh' }])
      }
      await assistant.close()
    })
})

/** An sshd of the test's own on loopback, for the current user and one key; returns the arguments that lead there. */
async function startSshd(ending: Ending): Promise<string[]> {
  const { folder } = emptyHome(ending)
  for (const name of ['host', 'user'])
    await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  const port = await anyFreePort()
  const { username } = userInfo()
  writeFileSync(join(folder, 'authorized_keys'), readFileSync(join(folder, 'user.pub')))
  writeFileSync(join(folder, 'known_hosts'), `[127.0.0.1]:${port} ${readFileSync(join(folder, 'host.pub'), 'utf8')}`)
  writeFileSync(
    join(folder, 'sshd_config'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      `AllowUsers ${username}`,
      '',
    ].join('\n'),
  )
  // As root it separates its privileges in this folder, which its own package makes only when the service starts.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  // sshd starts itself anew for each connection, so it wants its full path.
  const program = findProgram('sshd', ['/usr/sbin'])
  assert.ok(program)
  const sshd = startProgram(program, ['-D', '-e', '-f', join(folder, 'sshd_config')])
  ending.after(() => sshd.end())
  await sshd.says(/Server listening on 127\.0\.0\.1/)
  const options = {
    UserKnownHostsFile: join(folder, 'known_hosts'),
    IdentitiesOnly: 'yes',
    BatchMode: 'yes',
    LogLevel: 'ERROR',
  }
  const set = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  return ['-F', 'none', ...set, '-i', join(folder, 'user'), '-p', `${port}`, '-l', username, '127.0.0.1']
}
