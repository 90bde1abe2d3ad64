import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { PEOPLE } from './access.cases.ts'
import { connectClient, until } from './client.testing.ts'
import { startChildHub } from './crash.testing.ts'
import { startMosquitto } from './mosquitto.ts'
import { answersMqtt } from './probe.ts'

/** Process ids of the Mosquitto that runs on this folder's configuration. */
function mosquittosOf(folder: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const [program, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return program?.endsWith('mosquitto') && args.includes(join(folder, 'mosquitto.conf'))
      } catch {
        return false
      }
    })
}

suite('mosquitto as a child', () => {
  test('does not survive the hub, not even its SIGKILL', async (t) => {
    const folder = temporaryFolder(t)
    const hub = await startChildHub(t, 'mosquitto', folder)
    const { hostname, port } = new URL(hub.url)
    assert.equal(mosquittosOf(folder).length, 1)
    await hub.kill()
    await until(async () => !(await answersMqtt(hostname, Number(port))))
    await until(() => mosquittosOf(folder).length === 0)
  })

  test('is started again when it dies', async (t) => {
    const folder = temporaryFolder(t)
    const broker = await startMosquitto({
      host: '127.0.0.1',
      port: 0,
      folder,
      log: silentLog,
      clock: systemClock,
      ...PEOPLE,
    })
    t.after(() => broker.stop())
    const [pid] = mosquittosOf(folder)
    assert.ok(pid)
    process.kill(pid, 'SIGKILL')
    await until(() => broker.report().status === 'unavailable')
    assert.match(broker.report().reason ?? '', /mosquitto ended with code 137/)
    await until(() => broker.report().status === 'available')
    await connectClient(t, broker.url, broker.login('hub'))
  })

  test('leaves nothing behind when it is stopped, and no secret while it runs', async (t) => {
    const folder = temporaryFolder(t)
    const options = { host: '127.0.0.1', port: 0, folder, log: silentLog, clock: systemClock, ...PEOPLE }
    const broker = await startMosquitto(options)
    const secrets = [PEOPLE.ownerToken, ...PEOPLE.users.map(({ password }) => password), broker.login('hub')?.password]
    for (const name of ['mosquitto.conf', 'dynamic-security.json']) {
      const path = join(folder, name)
      assert.equal(statSync(path).mode & 0o777, 0o600)
      const text = readFileSync(path, 'utf8')
      for (const secret of secrets) assert.ok(secret && !text.includes(secret))
    }
    await broker.stop()
    assert.deepEqual(mosquittosOf(folder), [])
    assert.equal(broker.report().status, 'unavailable')
  })

  test('says why it does not start', async (t) => {
    const folder = temporaryFolder(t)
    const options = { host: '127.0.0.1', port: 0, folder, log: silentLog, clock: systemClock, ...PEOPLE }
    await assert.rejects(startMosquitto({ ...options, program: '/bin/false' }), {
      name: 'Fault',
      code: 'unavailable',
      message: /mosquitto ended with code 1/,
    })
    await assert.rejects(startMosquitto({ ...options, program: join(folder, 'none') }), /not found/)
  })
})
