import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { startHub, type TestHub } from '../support/hub.ts'

/** Whatever a hostile client or server has the hub ask for lands here, if it lands anywhere on this machine. */
suite('addresses that others would have the hub ask (SSRF)', () => {
  const ending = cleanUps()
  let hub: TestHub
  let port = 0
  let connections = 0
  before(async () => {
    const canary = createServer((socket) => {
      connections++
      socket.destroy()
    }).listen({ host: '::', port: 0 })
    await once(canary, 'listening')
    ending.after(() => canary.close())
    port = (canary.address() as AddressInfo).port
    // Documents of any client are asked for, as they are unless somebody says otherwise.
    hub = await startHub(ending, { config: { oauth: { clients: ['*'] } } })
  })
  after(() => ending.run())

  const hosts: readonly string[] = [
    'localhost',
    'localhost.',
    'LOCALHOST',
    'sub.localhost',
    '127.0.0.1',
    '127.255.255.254',
    '127.1',
    '0',
    '0.0.0.0',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '１２７.０.０.１',
    '127。0。0。1',
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:0:127.0.0.1]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[fe80::1]',
    'user:secret@127.0.0.1',
    'app.example@127.0.0.1',
  ]
  const documents = (): string[] => [
    ...hosts.map((host) => `https://${host}:${port}/client.json`),
    `http://127.0.0.1:${port}/client.json`,
    `https://127.0.0.1:${port}`,
    `https://127.0.0.1:${port}/a/../client.json`,
    `https://127.0.0.1:${port}/client.json#x`,
    `file:///etc/passwd`,
    `gopher://127.0.0.1:${port}/x`,
    `data:application/json,{}`,
    `https:127.0.0.1:${port}/client.json`,
    `https:\\\\127.0.0.1:${port}\\client.json`,
    ` https://127.0.0.1:${port}/client.json`,
    `https://127.0.0.1:${port}/client.json\r\nX-A: 1`,
  ]

  test('a client’s document: none of them is asked, and the refusal does not say what is there', async () => {
    const said = new Set<string>()
    for (const document of documents()) {
      const query = new URLSearchParams({
        client_id: document,
        redirect_uri: 'http://127.0.0.1:9/callback',
        response_type: 'code',
      })
      const response = await fetch(`${hub.urls.http}/oauth/authorize?${query.toString()}`, { redirect: 'manual' })
      assert.equal(response.status, 400, document)
      said.add(/<p class="soft small">([^<]*)/.exec(await response.text())?.[1] ?? '')
    }
    assert.equal(connections, 0)
    assert.ok(said.size <= 2, [...said].join())
  })

  test('what a client registers is not asked for', async () => {
    const here = `http://127.0.0.1:${port}/`
    const response = await fetch(`${hub.urls.http}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: ['http://127.0.0.1/callback'],
        logo_uri: here,
        client_uri: here,
        jwks_uri: here,
        sector_identifier_uri: here,
        request_uris: [here],
        backchannel_logout_uri: here,
        policy_uri: here,
        initiate_login_uri: here,
      }),
    })
    // The client's own page is for people to look at; its id and the time may have any five digits.
    const { client_uri, client_id, client_id_issued_at, ...kept } = (await response.json()) as Record<string, unknown>
    assert.deepEqual([client_uri, typeof client_id, typeof client_id_issued_at], [here, 'string', 'number'])
    assert.doesNotMatch(JSON.stringify(kept), new RegExp(String(port)))
    assert.equal(connections, 0)
  })

  test('neither is what a request names', async () => {
    const here = `http://127.0.0.1:${port}/`
    for (const name of [
      'request_uri',
      'resource',
      'redirect_uri',
      'jwks_uri',
      'registration',
      'post_logout_redirect_uri',
    ])
      await fetch(`${hub.urls.http}/oauth/authorize?client_id=x&${name}=${encodeURIComponent(here)}`, {
        redirect: 'manual',
      })
    // RFC 7515, 4.1: a token could say itself where its key is.
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const header of [{ jku: here }, { x5u: here }, { kid: here }, { jwk: { kty: 'OKP' } }]) {
      const token = `${part({ alg: 'EdDSA', typ: 'at+jwt', ...header })}.${part({ iss: here, sub: 'owner' })}.AAAA`
      assert.equal((await hub.call('health.list_services', {}, { token })).status, 401)
    }
    assert.equal(connections, 0)
  })

  test('the hub is well', async () => assert.equal((await hub.call('health.list_services')).status, 200))
})
