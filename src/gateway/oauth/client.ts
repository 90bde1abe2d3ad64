import type { OAuthClientInformationMixed } from '@modelcontextprotocol/client'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { OAuthDefinition } from '../../kernel/mcp/server-definition.ts'
import type { AuthorizationServer } from './discovery.ts'
import { clean, loginFault } from './faults.ts'
import type { Fetch } from './guarded-fetch.ts'
import { sdk } from './sdk.ts'
import type { Grant, Registration, TokenVault } from './vault.ts'

export interface ClientOptions {
  readonly name: string
  /** Whether the hub logs in for itself: then it cannot register itself either. */
  readonly isMachine: boolean
  readonly definition: OAuthDefinition
  readonly redirectUrl: string
  readonly vault: TokenVault
  readonly clock: Clock
  /** Guarded. */
  readonly fetch: Fetch
}

/** A secret that ends within this time is as good as ended: the login takes a while. */
const SECRET_SKEW_MS = 10 * 60_000

/**
 * Who the hub is at this authorization server, in the order of 2026-07-28, client registration: as the configuration
 * says, by a metadata document, or as registered there (now, if never before). Throws Fault `conflict` when the
 * configured credentials belong to another server, `upstream_failed` when nothing of it works.
 */
export async function clientAt(server: AuthorizationServer, options: ClientOptions): Promise<Registration> {
  const { name, definition, redirectUrl, vault, clock } = options
  const { clientMetadataUrl } = definition
  const configured = await configuredClient(server, options)
  if (configured !== undefined) return configured
  if (clientMetadataUrl !== undefined && server.metadata?.client_id_metadata_document_supported === true) {
    refuseMetadataUrl(name, clientMetadataUrl)
    return { clientId: clientMetadataUrl, redirectUrl }
  }
  const stored = await vault.registration(server.issuer)
  const ends = stored?.expiresMs ?? Number.POSITIVE_INFINITY
  const serves = stored?.redirectUrl === redirectUrl && ends - SECRET_SKEW_MS > clock.now()
  return serves ? stored : register(server, options)
}

/** The client that a grant was given to, with its secret of today; undefined: the configuration has another one since. */
export async function clientOf(
  grant: Grant,
  server: AuthorizationServer,
  options: ClientOptions,
): Promise<Registration | undefined> {
  const configured = await configuredClient(server, options)
  if (configured === undefined) return grant.client
  return configured.clientId === grant.client.clientId ? configured : undefined
}

async function configuredClient(
  { issuer }: AuthorizationServer,
  { name, definition: { clientId, clientSecret }, redirectUrl, vault }: ClientOptions,
): Promise<Registration | undefined> {
  if (clientId === undefined) return undefined
  await refuseOtherIssuer({ name, vault, clientId }, issuer)
  return { clientId, redirectUrl, ...(clientSecret !== undefined && { clientSecret }) }
}

/**
 * An upstream that names another authorization server would get the configured secret sent there (2026-07-28, client
 * registration, "Authorization Server Binding"): the first one it was used at is the one it is for.
 */
async function refuseOtherIssuer(
  { name, vault, clientId }: { name: string; vault: TokenVault; clientId: string },
  issuer: string,
): Promise<void> {
  const bound = await vault.boundIssuer(name, clientId)
  if (bound === undefined) return vault.bindIssuer(name, clientId, issuer)
  if (bound === issuer) return
  throw new Fault('conflict', `${name} logs in at ${clean(issuer)} now; its clientId was used at ${clean(bound)}.`, {
    hint: `If that is right: alicia logout ${name}, and set the clientId of the new one.`,
  })
}

/** 2026-07-28, client registration: HTTPS, and a path. */
function refuseMetadataUrl(name: string, address: string): void {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol === 'https:' && url.pathname !== '/') return
  throw new Fault('invalid_input', `oauth.clientMetadataUrl of ${name} is not an HTTPS address with a path.`)
}

async function register(server: AuthorizationServer, options: ClientOptions): Promise<Registration> {
  const { name, redirectUrl, vault, fetch } = options
  const { metadata } = server
  if (options.isMachine)
    throw new Fault('conflict', `${name} is to be logged in at without a person, but has no oauth.clientId.`, {
      hint: `Register Alicia at ${clean(server.issuer)}, and set oauth.clientId and oauth.clientSecret for ${name}.`,
    })
  if (metadata !== undefined && metadata.registration_endpoint === undefined)
    throw new Fault(
      'upstream_failed',
      `${clean(server.issuer)}, where ${name} logs in, registers no clients by itself.`,
      {
        hint: `Register Alicia there by hand (redirect address ${redirectUrl}), and set oauth.clientId for ${name}.`,
      },
    )
  const { registerClient, resolveClientMetadata } = await sdk()
  const methods = metadata?.token_endpoint_auth_methods_supported
  const clientMetadata = resolveClientMetadata({
    redirectUrl,
    clientMetadata: {
      client_name: 'Alicia',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      // A secret that nobody needs is one more to keep.
      ...(methods?.includes('none') && { token_endpoint_auth_method: 'none' }),
    },
  })
  const made = await registerClient(server.url, {
    ...(metadata !== undefined && { metadata }),
    clientMetadata,
    fetchFn: fetch,
  }).catch((error: unknown) => {
    throw loginFault(name, 'registering Alicia', error)
  })
  const registration: Registration = {
    clientId: made.client_id,
    redirectUrl,
    ...(made.client_secret !== undefined && { clientSecret: made.client_secret }),
    ...(made.token_endpoint_auth_method !== undefined && { authMethod: made.token_endpoint_auth_method }),
    // RFC 7591, section 3.2.1: seconds; 0 is never.
    ...(made.client_secret_expires_at && { expiresMs: made.client_secret_expires_at * 1000 }),
  }
  await vault.saveRegistration(server.issuer, registration)
  return registration
}

/** As the SDK's functions take it. */
export const clientInformation = (client: Registration): OAuthClientInformationMixed => ({
  client_id: client.clientId,
  ...(client.clientSecret !== undefined && { client_secret: client.clientSecret }),
  ...(client.authMethod !== undefined && { token_endpoint_auth_method: client.authMethod }),
})
