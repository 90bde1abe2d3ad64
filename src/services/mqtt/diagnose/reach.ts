import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Clock } from '../../../kernel/clock.ts'
import { connectFault } from '../connect-fault.ts'
import { addressOf, type Target } from '../connection-string.ts'
import { chainOf, expiryCheck, type CertificateChain } from './certificate-chain.ts'
import { rounded, type Check } from './check.ts'

/** How far towards the broker one gets without MQTT. */
export interface Reach {
  /** In their order; what comes after a failure is not tried. */
  readonly checks: readonly Check[]
  readonly chain: CertificateChain | null
}

/** What one step may take, milliseconds. */
const STEP_MS = 5000

/** Looks the name up, opens a TCP connection and, where the protocol has it, TLS; then closes it again. */
export async function reach(
  target: Pick<Target, 'protocol' | 'host' | 'port' | 'path'>,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Reach> {
  const checks: Check[] = []
  const step = async <T>(check: string, attempt: (signal: AbortSignal) => Promise<T>, says: (value: T) => string) => {
    signal.throwIfAborted()
    const startMs = clock.monotonic()
    const late = AbortSignal.timeout(STEP_MS)
    const elapsed = () => rounded(clock.monotonic() - startMs)
    try {
      const value = await attempt(AbortSignal.any([signal, late]))
      checks.push({ check, result: 'pass', ms: elapsed(), says: says(value) })
      return value
    } catch (error) {
      signal.throwIfAborted()
      const why = late.aborted ? `No answer within ${STEP_MS / 1000} s.` : inWords(error, addressOf(target))
      checks.push({ check, result: 'fail', ms: elapsed(), says: why })
      return undefined
    }
  }
  const { protocol, host, port } = target
  const addresses = await step(
    'dns',
    (within) => resolve(host, within),
    (found) => namesOf(host, found),
  )
  if (!addresses) return { checks, chain: null }
  const socket = await step('tcp', (within) => openTcp(host, port, { addresses, signal: within }), peerOf)
  if (!socket) return { checks, chain: null }
  try {
    if (protocol !== 'mqtts' && protocol !== 'wss') return { checks, chain: null }
    const secured = await step('tls', (within) => secure(socket, host, within), handshakeOf)
    if (!secured) return { checks, chain: null }
    const chain = chainOf(secured, clock.now())
    return { checks: [...checks, expiryCheck(chain)], chain }
  } finally {
    socket.destroy()
  }
}

function resolve(host: string, signal: AbortSignal): Promise<LookupAddress[]> {
  const late = Promise.withResolvers<never>()
  const aborted = () => late.reject(signal.reason)
  signal.addEventListener('abort', aborted, { once: true })
  return Promise.race([lookup(host, { all: true }), late.promise]).finally(() =>
    signal.removeEventListener('abort', aborted),
  )
}

async function openTcp(
  host: string,
  port: number,
  { addresses, signal }: { addresses: LookupAddress[]; signal: AbortSignal },
): Promise<Socket> {
  const [first] = addresses
  const socket = connectTcp({
    host,
    port,
    noDelay: true,
    // The addresses that were looked up already: the time is that of the connection alone.
    lookup: (_host, { all }, done) =>
      all === true ? done(null, addresses) : done(null, first?.address ?? host, first?.family),
  })
  return await greeted(socket, 'connect', signal)
}

function secure(socket: Socket, host: string, signal: AbortSignal): Promise<TLSSocket> {
  // Unchecked on purpose: this looks at what the broker shows, also when it is not to be trusted. The session's own
  // connection checks, and nothing is sent on this one.
  const secured = connectTls({ socket, rejectUnauthorized: false, ...(isIP(host) === 0 && { servername: host }) })
  return greeted(secured, 'secureConnect', signal)
}

/** The socket when it has come so far; otherwise it is closed. */
async function greeted<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  try {
    await once(socket, event, { signal })
    // A later error is of no interest, but without a listener it would be thrown.
    socket.on('error', () => undefined)
    return socket
  } catch (error) {
    socket.on('error', () => undefined).destroy()
    throw error
  }
}

function inWords(error: unknown, address: string): string {
  const { message, hint } = connectFault(error, { address, atOwnBroker: false })
  return hint === undefined ? message : `${message} ${hint}`
}

const namesOf = (host: string, addresses: readonly LookupAddress[]) =>
  isIP(host) === 0 ? `${host} is ${addresses.map(({ address }) => address).join(', ')}.` : 'It is an address already.'

const peerOf = ({ remoteAddress, remotePort }: Socket) => `Connected to ${remoteAddress} port ${remotePort}.`

const handshakeOf = (socket: TLSSocket) => `${socket.getProtocol() ?? 'TLS'}, ${socket.getCipher().standardName}.`
