import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createGuard } from './guard.ts'

suite('guard', () => {
  const guard = createGuard({ hosts: ['Alicia.lan', 'hub.example:8443'], origins: ['https://home.example'] })
  const passes = [
    ['localhost:8765', undefined],
    ['LOCALHOST', undefined],
    ['127.0.0.1:8765', 'http://127.0.0.1:8765'],
    ['[::1]:8765', 'http://[::1]:8765'],
    ['alicia.lan', 'https://alicia.lan'],
    ['alicia.lan:8765', 'http://localhost:3000'],
    ['hub.example', 'https://hub.example:9000'],
    ['localhost', 'https://home.example'],
    ['192.168.1.5:8765', undefined],
    ['192.168.1.5:8765', 'http://192.168.1.5:8765'],
    ['[fd00::5]:8765', 'http://[fd00::5]:8765'],
  ] as const
  const refused = [
    ['evil.example', undefined],
    ['evil.example:8765', undefined],
    ['localhost.evil.example', undefined],
    ['127.0.0.1.evil.example', undefined],
    ['localhost@evil.example', undefined],
    ['evil.example#localhost', undefined],
    ['evil.example/localhost', undefined],
    ['', undefined],
    [undefined, undefined],
    ['localhost:8765', 'http://evil.example'],
    ['localhost:8765', 'https://localhost.evil.example'],
    ['home.example', undefined],
    ['localhost', 'http://home.example'],
    ['localhost', 'https://home.example:444'],
    ['localhost:8765', 'null'],
    ['localhost:8765', ''],
    ['localhost:8765', 'file://'],
    ['localhost:8765', 'chrome-extension://localhost'],
    ['localhost:8765', 'http://192.168.1.66'],
    ['192.168.1.5:8765', 'http://192.168.1.66'],
  ] as const
  // Twice: what was remembered the first time must not change the answer.
  for (const round of [1, 2]) {
    for (const [host, origin] of passes)
      test(`lets ${host} from ${origin} in (${round})`, () => assert.doesNotThrow(() => guard(host, origin)))
    for (const [host, origin] of refused)
      test(`refuses ${host} from ${origin} (${round})`, () =>
        assert.throws(() => guard(host, origin), { code: 'forbidden' }))
  }
})
