import { randomBytes } from 'node:crypto'
import type { Configuration } from 'oidc-provider'
import { mayFetchDocument } from './client-documents.ts'
import { narrowClient } from './client-policy.ts'
import type { Features, Library, ProviderParts } from './provider-parts.ts'

/** What clients may be. */
export const clients = ({ errors }: Library, { fetch }: ProviderParts): Configuration => ({
  clientAuthMethods: ['none'],
  clientDefaults: {
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    id_token_signed_response_alg: 'EdDSA',
  },
  extraClientMetadata: {
    // One name is enough for the validator to run, once, over all there is.
    properties: ['alicia'],
    validator: (_ctx, _key, _value, metadata) => narrowClient(metadata, (why) => new errors.InvalidRedirectUri(why)),
  },
  clientBasedCORS: (_ctx, origin, client) =>
    client.redirectUris?.some((uri) => URL.parse(uri)?.origin === origin) ?? false,
  // A URL and not a request: that is how the library asks.
  fetch: (input, init) => fetch(input instanceof Request ? input.url : input, init),
})

/** How they come to be known. */
export const registration = ({
  policy,
  fetches,
  clock,
}: ProviderParts): Pick<Features, 'registration' | 'clientIdMetadataDocument'> => ({
  registration: {
    enabled: policy.registration,
    // One that began with "-", as the library's own may, would be an option on a command line.
    idFactory: () => `client-${randomBytes(18).toString('base64url')}`,
    issueRegistrationAccessToken: false,
  },
  clientIdMetadataDocument: {
    enabled: policy.clientHosts.length > 0,
    ack: 'draft-02',
    allowFetch: (ctx, clientId) =>
      mayFetchDocument(clientId, policy.clientHosts) && fetches.of(ctx.ip).tryTake(clock.monotonic()),
    allowClient: () => true,
  },
})
