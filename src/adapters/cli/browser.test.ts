import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { browserCommand } from './browser.ts'

const ADDRESS = 'https://login.example/a?b=c&d=%20"e'
const SHOWN = 'https://login.example/a?b=c&d=%20%22e'

suite('the browser of a desktop', () => {
  const places: [why: string, platform: NodeJS.Platform, env: Record<string, string>, command: string[] | undefined][] =
    [
      ['Linux with X', 'linux', { DISPLAY: ':0' }, ['xdg-open', SHOWN]],
      ['Linux with Wayland', 'linux', { WAYLAND_DISPLAY: 'wayland-0' }, ['xdg-open', SHOWN]],
      ['Linux without a desktop', 'linux', {}, undefined],
      ['over SSH', 'linux', { DISPLAY: ':0', SSH_CONNECTION: '1 2 3 4' }, undefined],
      ['macOS', 'darwin', {}, ['/usr/bin/open', SHOWN]],
      [
        'Windows',
        'win32',
        { SystemRoot: 'D:\\W' },
        ['D:\\W\\System32\\rundll32.exe', 'url.dll,FileProtocolHandler', SHOWN],
      ],
    ]
  for (const [why, platform, env, command] of places)
    test(why, () => assert.deepEqual(browserCommand(ADDRESS, { platform, env }), command))

  for (const address of ['file:///etc/passwd', 'javascript:alert(1)', '--help', 'ms-settings:'])
    test(`${address} is not opened`, () =>
      assert.throws(() => browserCommand(address, { platform: 'darwin', env: {} }), { code: 'upstream_failed' }))
})
