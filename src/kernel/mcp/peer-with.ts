import type { Peer } from './peer.ts'
import type { JsonText } from './raw.ts'

/** The same client with other words. */
export function peerWith(peer: Peer, params: JsonText): Peer {
  const { revision, capabilities, clientInfo, logLevel, profile, session, ask, letGo } = peer
  return {
    revision,
    capabilities,
    clientInfo,
    logLevel,
    params,
    ...(profile !== undefined && { profile }),
    ...(session && { session }),
    ...(ask && { ask }),
    ...(letGo && { letGo: () => peer.letGo?.() }),
    notify: (method, text) => peer.notify(method, text),
  }
}
