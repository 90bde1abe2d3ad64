import { Fault } from '../../kernel/fault.ts'
import { isObject, type Params } from '../../kernel/mcp/message.ts'
import { isLegacyRevision, LEGACY_REVISIONS, META, MODERN_REVISION, REVISIONS } from '../../kernel/mcp/protocol.ts'
import type { ClientFace } from './connection.ts'
import type { Agreement, Wire } from './wire.ts'

export interface HandshakeOptions {
  readonly name: string
  readonly face: ClientFace
  readonly signal: AbortSignal
}

/** `initialize` and what follows it. Throws RelayedError, Fault. */
export async function initialize(wire: Wire, { name, face, signal }: HandshakeOptions): Promise<Agreement> {
  const { clientInfo, capabilities } = face
  const params = JSON.stringify({ protocolVersion: LEGACY_REVISIONS[0], capabilities, clientInfo })
  const { value } = await wire.request({ method: 'initialize', params: () => params, signal })
  const { protocolVersion: revision, serverInfo, instructions } = value
  // A server may answer with any revision it likes; the client goes if it does not speak that (2025-11-25, lifecycle).
  if (revision !== MODERN_REVISION && !isLegacyRevision(revision))
    throw noCommonRevision(name, typeof revision === 'string' ? revision.slice(0, 100) : 'it names none')
  wire.agreed(revision)
  if (revision !== MODERN_REVISION) {
    await wire.notify('notifications/initialized', '{}')
    wire.listen()
  }
  return {
    revision,
    capabilities: objectOr(value['capabilities']),
    serverInfo: objectOr(serverInfo),
    instructions: typeof instructions === 'string' ? instructions : undefined,
  }
}

/**
 * `server/discover`. Undefined: the server knows the method, and not the revision. Throws RelayedError, Fault.
 */
export async function discover(wire: Wire, { face, signal }: HandshakeOptions): Promise<Agreement | undefined> {
  const params = JSON.stringify({ _meta: metaOf(face) })
  const { value } = await wire.request({ method: 'server/discover', params: () => params, signal })
  const { supportedVersions, capabilities, instructions } = value
  if (!Array.isArray(supportedVersions) || !supportedVersions.includes(MODERN_REVISION)) return undefined
  wire.agreed(MODERN_REVISION)
  return {
    revision: MODERN_REVISION,
    capabilities: objectOr(capabilities),
    serverInfo: objectOr(objectOr(value['_meta'])[META.serverInfo] ?? value['serverInfo']),
    instructions: typeof instructions === 'string' ? instructions : undefined,
  }
}

/** What every request of 2026-07-28 says of who sends it. */
const metaOf = ({ clientInfo, capabilities }: ClientFace): Params => ({
  [META.revision]: MODERN_REVISION,
  [META.clientInfo]: clientInfo,
  [META.clientCapabilities]: capabilities,
})

const objectOr = (value: unknown): Params => (isObject(value) ? value : {})

export const noCommonRevision = (name: string, theirs: string): Fault =>
  new Fault('upstream_failed', `${name} speaks another revision of MCP: ${theirs}.`, {
    hint: `This hub speaks ${REVISIONS.join(', ')}.`,
    details: { provider: name },
  })
