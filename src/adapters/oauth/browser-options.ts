import type { Configuration } from 'oidc-provider'
import { consentPolicy } from './consent-policy.ts'
import { errorPage } from './pages/message.ts'
import { PATHS } from './paths.ts'
import type { Library, ProviderParts } from './provider-parts.ts'
import { resourceOf } from './resources.ts'
import { grantsIn } from './scope-text.ts'

/** What browsers get: cookies, pages, and defaults of what they bring. */
export function browser(library: Library, issuer: string, parts: ProviderParts): Configuration {
  const secure = issuer.startsWith('https:')
  const cookie = { httpOnly: true, sameSite: 'lax', secure, signed: true, overwrite: true } as const
  return {
    cookies: {
      keys: [parts.browserKeys.cookies],
      names: cookieNames(issuer),
      long: cookie,
      short: cookie,
    },
    interactions: { policy: consentPolicy(library), url: (_ctx, { uid }) => `${PATHS.interaction}/${uid}` },
    extraParams: {
      // A client that names no scope gets what it takes to begin with (RFC 6749, 3.3).
      alicia_scope(ctx) {
        const { params } = ctx.oidc
        if (!params || grantsIn(params['scope']).length > 0) return
        const { profile } = resourceOf(String(params['resource']), parts.resources) ?? {}
        params['scope'] = parts.startingScopes(profile).join(' ')
      },
    },
    renderError(ctx, { error, error_description: description }) {
      const page = errorPage(error, description)
      ctx.set(page.headers)
      ctx.body = page.body
    },
  }
}

/** `__Host-` keeps other names of the same domain from setting it; what stands at a path of its own cannot have that. */
function cookieNames(issuer: string) {
  const { protocol, port } = new URL(issuer)
  if (protocol === 'https:')
    return {
      session: '__Host-alicia_session',
      interaction: '__Secure-alicia_interaction',
      resume: '__Secure-alicia_resume',
    }
  // Ports of one machine share their cookies.
  return {
    session: `alicia_session_${port}`,
    interaction: `alicia_interaction_${port}`,
    resume: `alicia_resume_${port}`,
  }
}
