import type { Duplex } from 'node:stream'
import { networkOf } from '../../kernel/network-of.ts'
import type { BrokerQuotas, NoteLimit } from './quotas.ts'

/** Connections by where they come from, and those that have not said yet who they are. */
export interface Lobby {
  /** False: there are too many from there, and it is closed. */
  enter(stream: Duplex, address: string | undefined): boolean
  /** It said who it is. */
  leave(stream: Duplex): void
  addressOf(stream: Duplex): string | undefined
}

interface Network {
  open: number
  /** The one that waits longest is first. */
  readonly unknown: Set<Duplex>
}

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
    const network = networks.get(name) ?? { open: 0, unknown: new Set<Duplex>() }
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
        const [oldest] = network.unknown
        if (oldest) {
          network.unknown.delete(oldest)
          oldest.destroy()
        }
      }
      network.open += 1
      network.unknown.add(stream)
      places.set(stream, { address, network })
      stream.once('close', () => {
        network.open -= 1
        network.unknown.delete(stream)
        if (network.open === 0) networks.delete(name)
      })
      return true
    },
    leave: (stream) => void places.get(stream)?.network.unknown.delete(stream),
    addressOf: (stream) => places.get(stream)?.address,
  }
}
