import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ownOrigins, type OriginOptions } from './own-origins.ts'

const at = (options: Partial<OriginOptions>) =>
  ownOrigins({
    host: '127.0.0.1',
    allowedHosts: [],
    address: () => 'http://127.0.0.1:8765',
    machine: () => ['192.168.1.5', 'fd00::5', '127.0.0.1'],
    ...options,
  })

suite('own origins', () => {
  const cases: readonly [string, Partial<OriginOptions>, readonly string[], readonly string[]][] = [
    [
      'loopback',
      {},
      ['http://localhost:8765', 'http://127.0.0.1:8765', 'http://[::1]:8765'],
      [
        'https://localhost:8765',
        'http://localhost',
        'http://localhost:8766',
        'http://192.168.1.5:8765',
        'http://localhost:8765/',
        'http://localhost:8765@evil.example',
        'HTTP://localhost:8765',
        'null',
        '',
      ],
    ],
    [
      'behind a proxy',
      { publicUrl: 'https://home.example' },
      ['https://home.example', 'http://localhost:8765'],
      ['http://home.example', 'https://home.example:8765', 'https://home.example.evil.example'],
    ],
    [
      'with further names',
      { allowedHosts: ['alicia.lan', 'hub.example:8443'] },
      ['http://alicia.lan:8765', 'http://alicia.lan', 'https://alicia.lan', 'https://hub.example:8443'],
      ['http://alicia.lan:9000', 'https://hub.example', 'http://hub.example:8765'],
    ],
    [
      'at every address of IPv4',
      { host: '0.0.0.0', address: () => 'http://localhost:8765' },
      ['http://192.168.1.5:8765', 'http://localhost:8765'],
      ['http://192.168.1.6:8765', 'http://192.168.1.5:1', 'http://[fd00::5]:8765', 'https://192.168.1.5:8765'],
    ],
    [
      'at every address',
      { host: '::', address: () => 'http://localhost:8765' },
      ['http://192.168.1.5:8765', 'http://[fd00::5]:8765'],
      ['http://[fd00::6]:8765'],
    ],
    [
      'at one address',
      { host: 'fd00::5', address: () => 'http://[fd00::5]:8765' },
      ['http://[fd00::5]:8765', 'http://localhost:8765'],
      ['http://192.168.1.5:8765'],
    ],
    ['before it listens', { address: () => '' }, [], ['http://localhost:8765', '']],
  ]
  for (const [name, options, own, foreign] of cases)
    test(name, () => {
      const origins = at(options)
      for (const origin of own) assert.ok(origins.includes(origin), origin)
      for (const origin of foreign) assert.ok(!origins.includes(origin), origin)
    })

  test('the one to tell others', () => {
    assert.equal(at({}).preferred, 'http://127.0.0.1:8765')
    assert.equal(at({ publicUrl: 'https://home.example/' }).preferred, 'https://home.example')
  })

  test('follows the port', () => {
    let address = ''
    const origins = at({ address: () => address })
    assert.ok(!origins.includes('http://localhost:1234'))
    address = 'http://127.0.0.1:1234'
    assert.ok(origins.includes('http://localhost:1234'))
  })
})
