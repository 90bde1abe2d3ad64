import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'

/** How an issuer answers; a test changes it at any time. */
export interface IssuerFaults {
  /** Members of the metadata that are other than they should be. */
  metadata: Record<string, unknown>
  /** Instead of the keys, or of everything. */
  answers: 'well' | 'error' | 'never' | 'no JSON' | 'too much' | 'elsewhere'
  /** Called for each request that is left without an answer. */
  onSilence: () => void
  /** Keys that are published besides its own. */
  moreKeys: JWK[]
}

export interface TestIssuer {
  readonly issuer: string
  readonly faults: IssuerFaults
  /** Paths that were asked for. */
  readonly asked: string[]
  /** The newest public key. */
  key(): JWK
  /** Another key signs from now on; the old one is published no more. */
  rotate(): Promise<void>
  sign(claims: JWTPayload, header?: Record<string, unknown>): Promise<string>
  /** No connection is taken any more, until it is back. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
}

interface Signing {
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

const ALGORITHM = 'ES256'

/** An issuer on loopback: its metadata and its keys, with real signatures. It ends with the test. */
export async function startIssuer(test: Pick<TestContext, 'after'>): Promise<TestIssuer> {
  const faults: IssuerFaults = { metadata: {}, answers: 'well', onSilence: () => {}, moreKeys: [] }
  const asked: string[] = []
  let count = 0
  const makeKey = async (): Promise<Signing> => {
    const { privateKey, publicKey } = await generateKeyPair(ALGORITHM)
    return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: `key-${++count}`, alg: ALGORITHM, use: 'sig' } }
  }
  let signing = await makeKey()

  const answer = (path: string, response: ServerResponse) => {
    const faulty: Record<IssuerFaults['answers'], () => unknown> = {
      well: () => {
        const { port } = server.address() as AddressInfo
        const issuer = `http://127.0.0.1:${port}/realms/home`
        const metadata = { issuer, jwks_uri: `${issuer}/keys`, ...faults.metadata }
        const documents: Record<string, unknown> = {
          '/realms/home/.well-known/openid-configuration': metadata,
          '/realms/home/keys': { keys: [signing.jwk, ...faults.moreKeys] },
        }
        const document = documents[path]
        response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' })
        response.end(JSON.stringify(document ?? {}))
      },
      error: () => response.writeHead(500).end('{"keys":[]}'),
      never: () => faults.onSilence(),
      'no JSON': () => response.end('<html>'),
      'too much': () => response.end(`{"keys":["${'x'.repeat(2_000_000)}"]}`),
      elsewhere: () => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    }
    faulty[faults.answers]()
  }
  const server = createServer(({ url = '' }, response) => {
    asked.push(url)
    answer(url, response)
  })
  const listen = async (port: number) => await once(server.listen(port, '127.0.0.1'), 'listening')
  const stop = async () => {
    if (!server.listening) return
    const closed = once(server.close(), 'close')
    server.closeAllConnections()
    await closed
  }
  await listen(0)
  test.after(stop)
  const { port } = server.address() as AddressInfo

  return {
    issuer: `http://127.0.0.1:${port}/realms/home`,
    faults,
    asked,
    key: () => signing.jwk,
    async rotate() {
      signing = await makeKey()
    },
    sign: (claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: ALGORITHM, kid: signing.jwk.kid ?? '', typ: 'at+jwt', ...header })
        .sign(signing.privateKey, { crit: { demand: false } }),
    goAway: stop,
    comeBack: () => listen(port).then(() => undefined),
  }
}
