import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { serverEnvironment } from './environment.ts'

const HUB = {
  PATH: '/usr/bin',
  HOME: '/home/a',
  LC_TIME: 'de_DE.UTF-8',
  XDG_RUNTIME_DIR: '/run/user/1000',
  ALICIA_OWNER_TOKEN: 'secret',
  DATABASE_URL: 'postgres://a:b@c',
  NODE_OPTIONS: '--inspect',
  EMPTY: undefined,
}

suite('environment of a server', () => {
  const cases: [string, Record<string, string>, Record<string, string>][] = [
    [
      'a short list of the hub’s',
      {},
      { PATH: '/usr/bin', HOME: '/home/a', LC_TIME: 'de_DE.UTF-8', XDG_RUNTIME_DIR: '/run/user/1000' },
    ],
    [
      'its own come on top',
      { API_KEY: 'k', HOME: '/srv' },
      { PATH: '/usr/bin', HOME: '/srv', LC_TIME: 'de_DE.UTF-8', XDG_RUNTIME_DIR: '/run/user/1000', API_KEY: 'k' },
    ],
  ]
  for (const [name, own, expected] of cases)
    test(name, () => assert.deepEqual(serverEnvironment(HUB, own, 'linux'), expected))

  test('on Windows a name is the same however it is written', () => {
    const hub = { Path: 'C:\\Windows', SystemRoot: 'C:\\Windows', Alicia_Owner_Token: 'secret' }
    assert.deepEqual(serverEnvironment(hub, { PATH: 'D:\\bin' }, 'win32'), {
      SystemRoot: 'C:\\Windows',
      PATH: 'D:\\bin',
    })
  })
})
