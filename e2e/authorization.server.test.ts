import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { suite, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport, type OAuthClientProvider } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { findProgram } from '../scripts/ensure-servers.ts'
import { anyFreePort } from '../src/testing/free-port.ts'
import { emptyHome, startHub, type HubOptions } from './support/hub.ts'
import { openBrowser, personWith } from './support/person-with-browser.ts'
import { startProgram } from './support/program.ts'

const OPENSSL = findProgram('openssl') ?? 'openssl'
const CONFORMANCE = fileURLToPath(new URL('../node_modules/.bin/conformance', import.meta.url))
const MCP_REMOTE = fileURLToPath(new URL('../node_modules/mcp-remote/dist/proxy.js', import.meta.url))
const PASSWORD = 'a long walk on the beach'

/** A hub, somebody who lives there and has a browser, and a place where clients get their answers. */
async function startHome(t: TestContext, options: HubOptions = {}) {
  const hub = await startHub(t, options)
  await hub.result('people.add_person', { name: 'mia', role: 'adult', password: PASSWORD })
  const port = await listen(
    t,
    createServer((_request, response) => response.end('answered')),
  )
  const redirectUrl = `http://127.0.0.1:${port}/callback`
  const browser = await openBrowser(t)
  const person = await personWith(browser, {
    name: 'mia',
    password: PASSWORD,
    redirectOrigin: `http://127.0.0.1:${port}`,
  })
  return { hub, browser, person, redirectUrl }
}

async function listen(t: TestContext, server: Server | ReturnType<typeof createTlsServer>, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}

/** What a client remembers of its logins, and where it sent its person last. */
class Memory {
  readonly redirectUrl: string
  readonly clientMetadata: {
    client_name: string
    redirect_uris: string[]
    grant_types: string[]
    token_endpoint_auth_method: string
  }
  readonly clientMetadataUrl?: string
  sentTo: URL | undefined
  #client: unknown
  #tokens: unknown
  #verifier = ''
  #discovered: unknown

  constructor(redirectUrl: string, clientMetadataUrl?: string) {
    this.redirectUrl = redirectUrl
    this.clientMetadata = {
      client_name: 'Client of a test',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    }
    if (clientMetadataUrl !== undefined) this.clientMetadataUrl = clientMetadataUrl
  }

  clientInformation = () => this.#client as never
  saveClientInformation = (client: unknown) => void (this.#client = client)
  tokens = () => this.#tokens as never
  saveTokens = (tokens: unknown) => void (this.#tokens = tokens)
  redirectToAuthorization = (url: URL) => void (this.sentTo = url)
  saveDiscoveryState = (state: unknown) => void (this.#discovered = state)
  discoveryState = () => this.#discovered as never
  saveCodeVerifier = (verifier: string) => void (this.#verifier = verifier)
  codeVerifier = () => this.#verifier

  get scope(): string {
    return (this.#tokens as { scope: string }).scope
  }

  get clientId(): string {
    return (this.#client as { client_id: string }).client_id
  }
}

const me = { name: 'test', version: '1' }

async function connectNew(url: string, memory: Memory, decide: (url: URL) => Promise<URL>) {
  const connect = async () => {
    const client = new Client(me)
    const transport = new StreamableHTTPClientTransport(new URL(url), {
      authProvider: memory satisfies OAuthClientProvider,
    })
    return { client, transport, connected: client.connect(transport) }
  }
  const first = await connect()
  await assert.rejects(first.connected)
  assert.ok(memory.sentTo)
  await first.transport.finishAuth((await decide(memory.sentTo)).searchParams)
  const { client, transport, connected } = await connect()
  await connected
  return { client, transport }
}

suite('logging in through the hub', () => {
  for (const width of [360, 1280])
    test(`SDK v2 with a real browser, ${width} px wide; it steps up for what it lacks`, async (t) => {
      const { hub, browser, redirectUrl } = await startHome(t)
      const redirectOrigin = new URL(redirectUrl).origin
      const person = await personWith(browser, { name: 'mia', password: PASSWORD, redirectOrigin, width })
      const memory = new Memory(redirectUrl)
      const { client, transport } = await connectNew(hub.urls.mcp, memory, (url) => person.decide(url))
      const { tools } = await client.listTools()
      assert.ok(tools.length > 0)
      assert.ok(!memory.scope.split(' ').includes('mqtt:connect'), memory.scope)
      const call = () => client.callTool({ name: 'establish_connection', arguments: {} })
      await assert.rejects(call())
      assert.match(memory.sentTo?.searchParams.get('scope') ?? '', /mqtt:connect/)
      await transport.finishAuth((await person.decide(memory.sentTo ?? '')).searchParams)
      assert.match(memory.scope, /mqtt:connect/)
      const result = await call()
      assert.match(JSON.stringify(result), /session_id/)
      await client.close()
      assert.deepEqual(person.complaints, [])
    })

  test('who says no is taken at their word', async (t) => {
    const { hub, person, redirectUrl } = await startHome(t)
    const memory = new Memory(redirectUrl)
    await assert.rejects(
      connectNew(hub.urls.mcp, memory, (url) => person.decide(url, 'deny')),
      /access_denied|said no/,
    )
  })

  test('SDK v1 registers itself, logs in and renews', async (t) => {
    const { hub, person, redirectUrl } = await startHome(t)
    const memory = new Memory(redirectUrl)
    const transport = () => new OldHttp(new URL(hub.urls.mcp), { authProvider: memory })
    const first = transport()
    await assert.rejects(new OldClient(me).connect(first))
    const answer = await person.decide(memory.sentTo ?? '')
    await first.finishAuth(answer.searchParams.get('code') ?? '')
    const before = memory.tokens() as { access_token: string; refresh_token: string }
    // It takes the access token for expired when that is refused, and renews.
    memory.saveTokens({ ...before, access_token: `${before.access_token.slice(0, -4)}AAAA` })
    const client = new OldClient(me)
    await client.connect(transport())
    assert.ok((await client.listTools()).tools.length > 0)
    assert.notEqual((memory.tokens() as { refresh_token: string }).refresh_token, before.refresh_token)
    await client.close()
  })

  test('a client that describes itself in a document (CIMD) is asked for there, over TLS', async (t) => {
    const home = emptyHome(t)
    const { key, cert, file } = certificate(home.folder)
    const document = { port: 0, redirectUrl: '' }
    const clientUrl = () => `https://localhost:${document.port}/client.json`
    document.port = await listen(
      t,
      createTlsServer({ key, cert }, (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(
          JSON.stringify({
            client_id: clientUrl(),
            client_name: 'Documented client',
            redirect_uris: [document.redirectUrl],
            grant_types: ['authorization_code', 'refresh_token'],
            token_endpoint_auth_method: 'none',
          }),
        )
      }),
    )
    const { hub, person, redirectUrl } = await startHome(t, {
      home,
      config: { oauth: { allowPrivateAddresses: true } },
      env: { NODE_EXTRA_CA_CERTS: file },
    })
    document.redirectUrl = redirectUrl
    const memory = new Memory(redirectUrl, clientUrl())
    const { client } = await connectNew(hub.urls.mcp, memory, (url) => person.decide(url))
    assert.equal(memory.clientId, clientUrl())
    assert.ok((await client.listTools()).tools.length > 0)
    await client.close()
  })

  test('such a document is not looked for in the home network', async (t) => {
    const { hub, redirectUrl } = await startHome(t)
    let connections = 0
    const port = await listen(
      t,
      createServer().on('connection', () => connections++),
    )
    for (const host of ['localhost', '127.0.0.1', '[::ffff:127.0.0.1]', '0.0.0.0', '127.1']) {
      const query = new URLSearchParams({
        client_id: `https://${host}:${port}/client.json`,
        redirect_uri: redirectUrl,
        response_type: 'code',
      })
      const response = await fetch(`${hub.urls.http}/oauth/authorize?${query.toString()}`, { redirect: 'manual' })
      assert.equal(response.status, 400, host)
    }
    assert.equal(connections, 0)
  })

  test('a token in an address is never read', async (t) => {
    const hub = await startHub(t)
    for (const path of ['/mcp', '/mcp/x', '/sse', '/api/v1/mcp'])
      for (const name of ['access_token', 'token', 'authorization']) {
        const method = path === '/sse' ? 'GET' : 'POST'
        const response = await fetch(`${hub.urls.http}${path}?${name}=${hub.token}`, { method })
        assert.equal(response.status, 401, `${path} ${name}`)
        assert.match(response.headers.get('www-authenticate') ?? '', /resource_metadata="http/)
      }
    const list = await fetch(`${hub.urls.http}/api/tokens/list_tokens?access_token=${hub.token}`, { method: 'POST' })
    assert.ok(!list.ok)
  })

  test('mcp-remote, as people use it', async (t) => {
    const { hub, browser } = await startHome(t)
    const port = await anyFreePort()
    const env = { HOME: join(hub.home.folder, 'home'), BROWSER: 'true', DISPLAY: '' }
    const program = startProgram(process.execPath, [MCP_REMOTE, hub.urls.mcp, String(port), '--host', '127.0.0.1'], {
      env,
    })
    t.after(() => program.end())
    const [url] = await program.says(/http:\/\/127\.0\.0\.1:\d+\/oauth\/authorize\?\S+/)
    const person = await personWith(browser, {
      name: 'mia',
      password: PASSWORD,
      redirectOrigin: `http://127.0.0.1:${port}`,
    })
    await person.decide(url)
    program.write(
      `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: me } })}\n`,
    )
    await program.says(/"serverInfo":\{"name":"alicia"/i)
  })

  test('the official conformance suite', async (t) => {
    const { hub, browser } = await startHome(t)
    const port = await anyFreePort()
    const registered = await fetch(`${hub.urls.http}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: 'Conformance', redirect_uris: [`http://127.0.0.1:${port}/callback`] }),
    })
    const { client_id: clientId } = (await registered.json()) as { client_id: string }
    const output = join(hub.home.folder, 'results')
    const program = startProgram(
      process.execPath,
      [
        CONFORMANCE,
        'authorization',
        '--url',
        hub.urls.http,
        '--client-id',
        clientId,
        '--resource',
        hub.urls.mcp,
        '--port',
        String(port),
        '--output-dir',
        output,
      ],
      { env: hub.home.env },
    )
    t.after(() => program.end())
    const [url] = await program.says(/http:\/\/127\.0\.0\.1:\d+\/oauth\/authorize\?\S+/)
    const person = await personWith(browser, {
      name: 'mia',
      password: PASSWORD,
      redirectOrigin: `http://127.0.0.1:${port}`,
    })
    await person.decide(url)
    const { stdout } = await program.ended
    const folders = readdirSync(output)
    const checks = folders.flatMap(
      (folder) =>
        JSON.parse(readFileSync(join(output, folder, 'checks.json'), 'utf8')) as { id: string; status: string }[],
    )
    assert.equal(folders.length, 2, stdout)
    assert.deepEqual(
      checks.map(({ status }) => status).filter((status) => status !== 'SUCCESS' && status !== 'INFO'),
      [],
      stdout,
    )
    assert.ok(checks.length > 1)
  })
})

/** A certificate of its own authority, for this machine. */
function certificate(folder: string) {
  const [keyFile, file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile]
  execFileSync(OPENSSL, ['req', '-x509', '-days', '1', ...key, '-out', file, ...subject], { stdio: 'ignore' })
  return { key: readFileSync(keyFile), cert: readFileSync(file), file }
}
