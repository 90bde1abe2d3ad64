import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { ALICIA, emptyHome, startHub, type TestHub } from './support/hub.ts'
import { runProgram } from './support/program.ts'

interface Entry {
  readonly operation: string
  readonly outcome: string
  readonly arguments?: Readonly<Record<string, unknown>>
}

const noted = async (hub: TestHub, operation: string): Promise<Entry[]> =>
  (await hub.result('audit.search_audit', { operation }))['entries'] as Entry[]

test('what is no call and matters is on record: limits, other servers, and what was done while no hub ran', async (t) => {
  const home = emptyHome(t)
  const hub = await startHub(t, { home, config: { limits: { operations: { 'mqtt.ping': { perMinute: 1 } } } } })
  for (const status of [200, 429, 429]) assert.equal((await hub.call('mqtt.ping')).status, status)
  const echo = { command: process.execPath, args: ['-e', '0'], disabled: true }
  writeFileSync(join(home.data, 'mcp.json'), JSON.stringify({ mcpServers: { echo } }), { mode: 0o600 })
  await hub.result('gateway.reload_servers')
  assert.partialDeepStrictEqual(await noted(hub, 'limit.reached'), [
    { outcome: 'rate_limited', arguments: { limit: 'operation', times: 1 } },
  ])
  assert.partialDeepStrictEqual(await noted(hub, 'servers.changed'), [
    { outcome: 'ok', arguments: { added: ['echo'] } },
  ])
  await hub.end()

  const { env, data } = home
  const input = 'correct horse battery staple\n'
  const cli = async (...args: string[]) => {
    const { code, stderr } = await runProgram(process.execPath, [ALICIA, ...args, '--data', data], { env, input })
    assert.equal(code, 0, stderr)
  }
  await cli('token', 'rotate')
  const file = join(home.folder, 'home.backup')
  await cli('backup', file)
  await cli('restore', file, '--replace')
  const again = await startHub(t, { home })
  assert.partialDeepStrictEqual(await noted(again, 'token.rotated'), [{ outcome: 'ok' }])
  const [restored] = await noted(again, 'backup.restored')
  assert.equal(restored?.arguments?.['backup'], 'home.backup')
  assert.match(String(restored?.arguments?.['at']), /^\d{4}-/)
  assert.ok(!existsSync(join(data, 'audit-pending.json')))
  await again.end()
  const third = await startHub(t, { home })
  assert.equal((await noted(third, 'backup.restored')).length, 1)
})
