import type { Duplex } from 'node:stream'
import { networkOf } from '../../kernel/network-of.ts'
import type { BrokerQuotas, NoteLimit } from './quotas.ts'

/** Connections by where they come from, and those that have not said yet who they are. */
export interface Lobby {
  /** False: there are too many from there, and it is closed. */
  enter(stream: Duplex, address: string | undefined): boolean
  /** It sent so much more. Whoever says more than it takes to say who they are is closed: it is all kept until they have. */
  heard(stream: Duplex, bytes: number): void
  /** It said who it is. */
  leave(stream: Duplex): void
  addressOf(stream: Duplex): string | undefined
}

interface Network {
  open: number
  /** With the bytes that came of each. The one that waits longest is first. */
  readonly unknown: Map<Duplex, number>
}

/** A CONNECT has a name, a password, perhaps a will of up to 64 KiB. Some clients go on before they are answered. */
const MOST_UNKNOWN_BYTES = 256 * 1024

/** Every program of this machine, and every proxy on it, has the same address. */
const LOCAL = networkOf(undefined)

/**
 * Whoever opens connections and says nothing takes the places of those that do: the oldest of the same network makes room, so that
 * others never wait for somebody else's silence.
 */
export function createLobby(
  { connectionsPerAddress, unknownPerAddress }: Pick<BrokerQuotas, 'connectionsPerAddress' | 'unknownPerAddress'>,
  note: NoteLimit,
): Lobby {
  const networks = new Map<string, Network>()
  const places = new WeakMap<Duplex, { readonly address: string | undefined; readonly network: Network }>()

  const networkFor = (name: string): Network => {
    const network = networks.get(name) ?? { open: 0, unknown: new Map<Duplex, number>() }
    networks.set(name, network)
    return network
  }

  return {
    enter(stream, address) {
      const name = networkOf(address)
      const network = networkFor(name)
      if (name !== LOCAL && network.open >= connectionsPerAddress) {
        note('mqtt_connections_per_address', name)
        stream.destroy()
        return false
      }
      if (network.unknown.size >= unknownPerAddress) {
        note('mqtt_unknown_per_address', name)
        const [oldest] = network.unknown.keys()
        if (oldest) {
          network.unknown.delete(oldest)
          oldest.destroy()
        }
      }
      network.open += 1
      network.unknown.set(stream, 0)
      places.set(stream, { address, network })
      stream.once('close', () => {
        network.open -= 1
        network.unknown.delete(stream)
        if (network.open === 0) networks.delete(name)
      })
      return true
    },
    heard(stream, bytes) {
      const place = places.get(stream)
      const before = place?.network.unknown.get(stream)
      if (!place || before === undefined) return
      place.network.unknown.set(stream, before + bytes)
      if (before + bytes <= MOST_UNKNOWN_BYTES) return
      note('mqtt_unknown_bytes', networkOf(place.address))
      stream.destroy()
    },
    leave: (stream) => void places.get(stream)?.network.unknown.delete(stream),
    addressOf: (stream) => places.get(stream)?.address,
  }
}
