import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { Fault } from '../../kernel/fault.ts'
import { createAddressOf, createIsProxy } from './client-address.ts'
import { readForwardedFor } from './forwarded.ts'

const PROXIES = ['10.0.0.1', '192.168.0.0/16', 'fd00::/8', '::1']

const from = (remoteAddress: string | undefined, headers: IncomingHttpHeaders, proxies = PROXIES) =>
  createAddressOf(createIsProxy(proxies))({ socket: { remoteAddress } as Socket, headers })

const list = (text: string): IncomingHttpHeaders => ({ 'x-forwarded-for': text })
const forwarded = (text: string): IncomingHttpHeaders => ({ forwarded: text })

suite('the address of a client', () => {
  const found: [string, IncomingHttpHeaders, string][] = [
    ['10.0.0.1', {}, '10.0.0.1'],
    ['10.0.0.1', list('203.0.113.7'), '203.0.113.7'],
    ['::ffff:10.0.0.1', list('203.0.113.7'), '203.0.113.7'],
    ['10.0.0.1', list('1.1.1.1, 203.0.113.7'), '203.0.113.7'],
    ['10.0.0.1', list('1.1.1.1,\t 203.0.113.7 , 192.168.4.4,10.0.0.1'), '203.0.113.7'],
    ['10.0.0.1', list('192.168.9.9, 192.168.4.4'), '192.168.9.9'],
    ['10.0.0.1', list('203.0.113.7:4711'), '203.0.113.7'],
    ['10.0.0.1', list('2001:DB8::7'), '2001:db8::7'],
    ['10.0.0.1', list('[2001:db8::7]:4711'), '2001:db8::7'],
    ['10.0.0.1', list('::ffff:203.0.113.7'), '203.0.113.7'],
    ['10.0.0.1', list('nonsense, 203.0.113.7'), '203.0.113.7'],
    ['10.0.0.1', list('203.0.113.7, unknown'), '10.0.0.1'],
    ['fd12::1', forwarded('for=203.0.113.7'), '203.0.113.7'],
    ['::1', forwarded('For="[2001:db8::7]:4711";proto=https;by=10.0.0.1'), '2001:db8::7'],
    ['::1', forwarded('for=1.1.1.1, for=203.0.113.7;host="a,b;c=\\"d"'), '203.0.113.7'],
    ['::1', forwarded('for=203.0.113.7, for=_hidden'), '::1'],
    ['::1', forwarded('for=203.0.113.7, proto=http'), '::1'],
    ['::1', forwarded('for=203.0.113.7 , for="192.168.4.4:_port"'), '203.0.113.7'],
    ['::1', { ...forwarded('for=203.0.113.7'), ...list('9.9.9.9, 203.0.113.7') }, '203.0.113.7'],
  ]
  for (const [peer, headers, expected] of found)
    test(`${peer} with ${JSON.stringify(headers)} is ${expected}`, () => assert.equal(from(peer, headers), expected))

  const ignored: [string | undefined, IncomingHttpHeaders][] = [
    ['203.0.113.9', list('10.0.0.1')],
    ['203.0.113.9', forwarded('for=127.0.0.1')],
    ['203.0.113.9', list('"nonsense')],
    ['10.0.0.2', list('127.0.0.1')],
    [undefined, list('127.0.0.1')],
  ]
  for (const [peer, headers] of ignored)
    test(`${peer} is nobody's proxy: ${JSON.stringify(headers)}`, () => assert.equal(from(peer, headers), peer))

  test('without proxies nobody is believed, loopback neither', () => {
    assert.equal(from('127.0.0.1', list('203.0.113.7'), []), '127.0.0.1')
    assert.equal(from('::ffff:192.0.2.1', {}, []), '192.0.2.1')
  })

  const refused: IncomingHttpHeaders[] = [
    list(''),
    list('nonsense'),
    list('203.0.113.7, '),
    list('203.0.113.7.evil.example'),
    list('203.0.113.7 10.0.0.1'),
    list('0x7f.0.0.1'),
    list('127.1'),
    list('999.0.0.1'),
    list('203.0.113.7:99999999'),
    list('fe80::1%eth0'),
    list('[203.0.113.7'),
    list('for=203.0.113.7'),
    forwarded(''),
    forwarded('for'),
    forwarded('for='),
    forwarded('for=203.0.113.7;'),
    forwarded('for=203.0.113.7,'),
    forwarded('for=203.0.113.7;for=127.0.0.1'),
    forwarded('for="203.0.113.7'),
    forwarded('for=[2001:db8::7]'),
    forwarded('for=203.0.113.7 for=127.0.0.1'),
    { ...forwarded('for=127.0.0.1'), ...list('203.0.113.7') },
    { ...forwarded('for=203.0.113.7'), ...list('127.0.0.1') },
  ]
  for (const headers of refused)
    test(`a proxy that passes on ${JSON.stringify(headers)} is refused`, () =>
      assert.throws(() => from('10.0.0.1', headers), { code: 'invalid_request' }))

  test('whatever clients put before it, the client is who the proxy says', () =>
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), fc.ipV4(), (junk, client) => {
        fc.pre(!createIsProxy(PROXIES)(client))
        assert.equal(from('10.0.0.1', list(`${junk},${client}`)), client)
      }),
    ))

  test('a header of any text is read or refused, in time that grows with its length alone', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('for', '=', '"', '\\', ';', ',', ' ', 'a'), maxLength: 60 }),
        (text) => {
          try {
            readForwardedFor(text)
          } catch (error) {
            assert.ok(error instanceof Fault)
          }
        },
      ),
    )
    for (const part of ['\\', ' ', '"', 'for=a,', ';', '\\"'])
      assert.doesNotThrow(() => {
        try {
          readForwardedFor(`for="${part.repeat(8000)}`)
        } catch (error) {
          assert.ok(error instanceof Fault)
        }
      })
  })
})
