import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { heldClock, systemClock } from '../../kernel/clock.ts'
import { createGuardedFetch, type GuardOptions } from './guarded-fetch.ts'

const options = (more: Partial<GuardOptions> = {}): GuardOptions => ({
  name: 'notes',
  upstream: new URL('https://mcp.example/mcp'),
  allowPrivateAddresses: false,
  clock: systemClock,
  resolve: () => Promise.reject(new Error('nobody was to be asked')),
  ...more,
})

async function listen(test: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

const here = new URL('http://127.0.0.1:1/mcp')
const resolveTo =
  (...addresses: string[]) =>
  () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))

suite('the guard of logins', () => {
  const refused: [why: string, url: string, more?: Partial<GuardOptions>][] = [
    ['plain HTTP', 'http://as.example/'],
    ['plain HTTP to this machine', 'http://127.0.0.1/'],
    ['plain HTTP, decimal', 'http://2130706433/'],
    ['another protocol', 'file:///etc/passwd'],
    ['this machine', 'https://127.0.0.1/'],
    ['this machine in hexadecimal', 'https://0x7f000001/'],
    ['this machine in octal', 'https://0177.1/'],
    ['this machine, IPv6', 'https://[::1]/'],
    ['this machine, mapped', 'https://[::ffff:7f00:1]/'],
    ['this machine, compatible', 'https://[::127.0.0.1]/'],
    ['this machine, 6to4', 'https://[2002:7f00:1::]/'],
    ['this machine, Teredo', 'https://[2001:0:7f00:1::]/'],
    ['this machine, translated', 'https://[::ffff:0:7f00:1]/'],
    ['this machine without an address', 'https://[::]/'],
    ['this machine without an address, IPv4', 'https://0.0.0.0/'],
    ['this machine, shortened', 'https://127.1/'],
    ['this machine, wide digits', 'https://１２７.0.0.1/'],
    ['this machine by a name with a dot at its end', 'https://localhost./', { resolve: resolveTo('127.0.0.1') }],
    ['this machine through NAT64', 'https://[64:ff9b::7f00:1]/'],
    ['a name that leads to a link', 'https://as.example/', { resolve: resolveTo('fe80::1%eth0') }],
    ['a name that leads nowhere', 'https://as.example/', { resolve: resolveTo('1.1.1.1', '0.0.0.0') }],
    ['a name whose address is none', 'https://as.example/', { resolve: resolveTo('1.1.1.1', 'as.example') }],
    ['a login in the address', 'https://user:secret@as.example/', { resolve: resolveTo('1.1.1.1') }],
    ['a name in the address', 'https://user@as.example/', { resolve: resolveTo('1.1.1.1') }],
    ['the home', 'https://192.168.1.1/'],
    ['the home through NAT64', 'https://[64:ff9b::c0a8:101]/'],
    ['metadata of a cloud', 'https://169.254.169.254/latest/meta-data'],
    [
      'metadata of a cloud, even if private ones are allowed',
      'https://169.254.169.254/',
      { allowPrivateAddresses: true },
    ],
    ['a name that leads home', 'https://as.example/', { resolve: resolveTo('10.0.0.1') }],
    ['a name that leads home as well', 'https://as.example/', { resolve: resolveTo('1.1.1.1', 'fd00::1') }],
    ['a name that leads to this machine', 'https://as.example/', { resolve: resolveTo('127.0.0.1') }],
    ['the home for an upstream on this machine', 'https://10.0.0.1/', { upstream: here }],
    ['plain HTTP at home for an upstream on this machine', 'http://10.0.0.1/', { upstream: here }],
  ]
  for (const [why, url, more] of refused)
    test(`refuses ${why}`, () =>
      assert.rejects(createGuardedFetch(options(more))(url), { code: 'upstream_failed', message: /notes/ }))

  test('asks the address it checked, though the name means another one by then', async (t) => {
    const port = await listen(t, (request, response) => response.end(request.headers.host))
    const answers = ['127.0.0.1', '10.0.0.1']
    const guarded = createGuardedFetch(
      options({ upstream: here, resolve: (name) => resolveTo(answers.shift() ?? name)() }),
    )
    assert.equal(await (await guarded(`http://as.localhost:${port}/`)).text(), `as.localhost:${port}`)
    await assert.rejects(guarded(`http://as.localhost:${port}/`), { code: 'upstream_failed' })
    assert.deepEqual(answers, [])
  })

  test('the origin of the upstream itself may be asked', async (t) => {
    const port = await listen(t, (_, response) => response.end('{}'))
    const upstream = new URL(`http://nas.home:${port}/mcp`)
    const guarded = createGuardedFetch(options({ upstream, resolve: resolveTo('127.0.0.1') }))
    assert.equal((await guarded(`http://nas.home:${port}/.well-known/x`)).status, 200)
  })

  test('a redirect comes back as it is', async (t) => {
    const port = await listen(t, (_, response) => response.writeHead(302, { location: 'http://10.0.0.1/' }).end())
    const response = await createGuardedFetch(options({ upstream: here }))(`http://127.0.0.1:${port}/`)
    assert.deepEqual([response.status, response.headers.get('location')], [302, 'http://10.0.0.1/'])
  })

  test('sends method, headers and form', async (t) => {
    const port = await listen(t, async (request, response) => {
      const body = (await request.toArray()).join('')
      response.end(JSON.stringify([request.method, request.headers['content-type'], request.headers['x-a'], body]))
    })
    const response = await createGuardedFetch(options({ upstream: here }))(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { 'X-A': '1' },
      body: new URLSearchParams({ grant_type: 'x y' }),
    })
    assert.deepEqual(await response.json(), ['POST', 'application/x-www-form-urlencoded', '1', 'grant_type=x+y'])
  })

  test('an answer without end is cut off', async (t) => {
    const port = await listen(t, (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(4096)));
      }
      response.on('drain', more)
      more()
    })
    const guarded = createGuardedFetch(options({ upstream: here, mostBytes: 16_384 }))
    await assert.rejects(guarded(`http://127.0.0.1:${port}/`), { code: 'upstream_failed', message: /16 KiB/ })
  })

  test('an answer is not unpacked, however it says that it is packed', async (t) => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    const port = await listen(t, (request, response) => {
      assert.equal(request.headers['accept-encoding'], 'identity')
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    })
    const response = await createGuardedFetch(options({ upstream: here }))(`http://127.0.0.1:${port}/`)
    assert.equal((await response.arrayBuffer()).byteLength, bomb.length)
  })

  test('a server that goes on and on, byte by byte, has the same time', async (t) => {
    const clock = heldClock()
    const port = await listen(t, (_, response) => {
      response.write('{')
      response.once('close', () => clearInterval(drip))
      const drip = setInterval(() => response.write(' ') && clock.advance(1000), 1)
    })
    const guarded = createGuardedFetch(options({ upstream: here, clock }))
    await assert.rejects(guarded(`http://127.0.0.1:${port}/`), { code: 'timeout' })
  })

  test('headers without end are cut off', async (t) => {
    const port = await listen(t, (_, response) => {
      response.socket?.write(`HTTP/1.1 200 OK\r\n${`X-A: ${'a'.repeat(1000)}\r\n`.repeat(1000)}`)
    })
    await assert.rejects(createGuardedFetch(options({ upstream: here }))(`http://127.0.0.1:${port}/`), {
      code: 'unavailable',
    })
  })

  test('a server that says nothing has a limited time', async (t) => {
    const clock = heldClock()
    const port = await listen(t, () => clock.advance(10_000))
    const guarded = createGuardedFetch(options({ upstream: here, clock }))
    await assert.rejects(guarded(`http://127.0.0.1:${port}/`), { code: 'timeout', message: /notes.*10 s/ })
  })

  test('a resolver that says nothing, too; and the caller may give up', async () => {
    const clock = heldClock()
    const waiting = createGuardedFetch(options({ clock, resolve: () => new Promise(() => undefined) }))
    const late = waiting('https://as.example/')
    clock.advance(10_000)
    await assert.rejects(late, { code: 'timeout' })
    const left = new Error('left')
    await assert.rejects(waiting('https://as.example/', { signal: AbortSignal.abort(left) }), left)
  })

  test('nobody there', async (t) => {
    const port = await listen(t, () => undefined)
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const free = (other.address() as AddressInfo).port
    await new Promise((resolve) => other.close(resolve))
    assert.notEqual(port, free)
    await assert.rejects(createGuardedFetch(options({ upstream: here }))(`http://127.0.0.1:${free}/`), {
      code: 'unavailable',
      message: /ECONNREFUSED/,
    })
  })
})
