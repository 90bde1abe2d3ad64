/**
 * The client for the suite's scenarios about logging in: the gateway's connector with its login, and a person who says yes
 * to everything. `node conformance-login.ts <url>`, with the scenario in the environment.
 */
import process from 'node:process'
import { createPrivateKeyJwtAuth, requestJwtAuthorizationGrant } from '@modelcontextprotocol/client'
import { loadSecrets } from '../../src/engines/secrets.ts'
import { openSqlite } from '../../src/engines/store/sqlite.ts'
import { createUpstreamLogin, type UpstreamLogin, type UpstreamLoginOptions } from '../../src/gateway/oauth/login.ts'
import { openTokenVault } from '../../src/gateway/oauth/vault.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { Fault } from '../../src/kernel/fault.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { OAuthDefinition } from '../../src/kernel/mcp/server-definition.ts'
import { ask, connectTo } from './conformance-client.ts'

const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Readonly<Record<string, string>>
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''

/** A key of 32 bytes that nobody needs after this program's end. */
const KEY = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')

async function loginAt(url: string): Promise<UpstreamLogin> {
  const store = openSqlite({ file: ':memory:', log: silentLog })
  const secrets = loadSecrets({ file: '/nowhere', log: silentLog, fromEnvironment: KEY })
  return createUpstreamLogin({
    id: 'conformance',
    url,
    vault: await openTokenVault({ store, secrets, log: silentLog }),
    redirectUrl: 'http://localhost:3000/callback',
    clock: systemClock,
    log: silentLog,
    fetch,
    ...configuration(),
  })
}

/** What its user would have configured in this scenario. */
function configuration(): Pick<UpstreamLoginOptions, 'definition' | 'machine'> {
  const { client_id: clientId, client_secret: clientSecret } = context
  const client = { ...(clientId !== undefined && { clientId }), ...(clientSecret !== undefined && { clientSecret }) }
  const definition = (grant: OAuthDefinition['grant']): OAuthDefinition => ({
    grant,
    ...client,
    // The address that the suite's own authorization server knows.
    clientMetadataUrl: 'https://conformance-test.local/client-metadata.json',
    allowPrivateAddresses: false,
  })
  switch (scenario) {
    case 'auth/client-credentials-basic':
      return { definition: definition('client_credentials') }
    case 'auth/client-credentials-jwt':
      return { definition: definition('client_credentials'), machine: withPrivateKey() }
    case 'auth/wif-jwt-bearer':
      return { definition: definition('client_credentials'), machine: withIdentityOfTheWorkload() }
    case 'auth/enterprise-managed-authorization':
      return { definition: definition('client_credentials'), machine: withIdentityOfTheCompany() }
    default:
      return { definition: definition('authorization_code') }
  }
}

type Machine = NonNullable<UpstreamLoginOptions['machine']>

/** RFC 7523, section 2.2. */
const withPrivateKey = (): Machine => ({
  parameters: () => Promise.resolve(new URLSearchParams({ grant_type: 'client_credentials' })),
  authenticate: createPrivateKeyJwtAuth({
    issuer: context['client_id'] ?? '',
    subject: context['client_id'] ?? '',
    privateKey: context['private_key_pem'] ?? '',
    alg: context['signing_algorithm'] ?? 'ES256',
  }),
})

const assertion = (jwt: string) =>
  new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: jwt })

/** SEP-1933: what the machine's platform says it is. */
const withIdentityOfTheWorkload = (): Machine => ({
  parameters: () => Promise.resolve(assertion(context['valid_jwt'] ?? '')),
})

/** SEP-990: a token of the company's identity provider becomes an assertion, and that a token. */
const withIdentityOfTheCompany = (): Machine => ({
  async parameters(server, fetchFn) {
    const { jwtAuthGrant } = await requestJwtAuthorizationGrant({
      tokenEndpoint: context['idp_token_endpoint'] ?? '',
      audience: server.issuer,
      resource: server.resource,
      idToken: context['idp_id_token'] ?? '',
      clientId: context['idp_client_id'] ?? '',
      fetchFn,
    })
    return assertion(jwtAuthGrant)
  },
})

/** Opens the address in a browser whose owner agrees. */
async function agree(login: UpstreamLogin): Promise<void> {
  const { authorizationUrl } = await login.begin('owner', AbortSignal.timeout(20_000))
  const response = await fetch(authorizationUrl, { redirect: 'manual' })
  const { searchParams } = new URL(response.headers.get('location') ?? '')
  const [code, iss] = [searchParams.get('code'), searchParams.get('iss')]
  const answer = { state: searchParams.get('state') ?? '', ...(code && { code }), ...(iss && { iss }) }
  await login.finish(answer, AbortSignal.timeout(20_000))
}

/** Logs in whenever that is what is missing; the login itself says when it is of no use any more. */
function fetchOf(login: UpstreamLogin): typeof fetch {
  const send = login.fetch()
  return async (input, init) => {
    for (;;) {
      try {
        return await send(input, init)
      } catch (error) {
        if (!(error instanceof Fault) || error.details?.['login'] === undefined) throw error
        await agree(login)
      }
    }
  }
}

const [, , url = ''] = process.argv
const connection = await connectTo(url, fetchOf(await loginAt(url)))
try {
  await ask(connection, 'tools/list')
  await ask(connection, 'tools/call', { name: 'test-tool', arguments: {} })
} finally {
  await connection.close()
}
