import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { addressKind, hostOf, isLoopbackHost, type AddressKind } from './address.ts'

suite('kinds of addresses', () => {
  const kinds: Record<AddressKind, string[]> = {
    public: [
      '1.1.1.1',
      '172.15.0.1',
      '172.32.0.1',
      '100.63.0.1',
      '2606:4700::1111',
      '64:ff9b::808:808',
      '::ffff:8.8.8.8',
    ],
    loopback: ['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::7f00:1'],
    home: [
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '100.64.0.1',
      'fc00::1',
      'fd12:3456::1',
      '::ffff:192.168.1.1',
      '64:ff9b::c0a8:101',
    ],
    never: `0.0.0.0 0.1.2.3 169.254.169.254 192.0.0.1 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255
      :: ::7f00:1 ::ffff:169.254.169.254 fe80::1 fe80::1%eth0 ::1%lo ff02::1 fec0::1 4000::1 100::1
      2002:7f00:1:: 2002:c0a8:101::1 2001::1 2001:db8::1 64:ff9b:1::a00:1
      localhost 1.2.3.4.5 ::g`.split(/\s+/),
  }
  for (const [kind, addresses] of Object.entries(kinds))
    for (const address of addresses)
      test(`${JSON.stringify(address)} is ${kind}`, () => assert.equal(addressKind(address), kind))

  // The URL parser reads every spelling of IPv4 (WHATWG URL, "IPv4 parser"): the guard sees the address it means.
  for (const [url, host, loopback] of [
    ['http://2130706433/', '127.0.0.1', true],
    ['http://0x7f.1/', '127.0.0.1', true],
    ['http://0177.0.0.1/', '127.0.0.1', true],
    ['http://127.1/', '127.0.0.1', true],
    ['http://１２７.0.0.1/', '127.0.0.1', true],
    ['http://0xa9fea9fe/', '169.254.169.254', false],
    ['http://3232235777/', '192.168.1.1', false],
    ['http://[::ffff:127.0.0.1]/', '::ffff:7f00:1', true],
    ['http://[0:0:0:0:0:0:0:1]/', '::1', true],
    ['http://localhost:3000/', 'localhost', true],
    ['http://a.localhost/', 'a.localhost', true],
    ['http://localhost.example/', 'localhost.example', false],
  ] as const)
    test(`${url} means ${host}`, () => {
      assert.equal(hostOf(new URL(url)), host)
      assert.equal(isLoopbackHost(new URL(url)), loopback)
    })
})
