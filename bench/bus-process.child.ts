import process from 'node:process'
import { remoteBroker } from '../src/engines/broker/remote.ts'
import { connectBus } from '../src/engines/broker/bus.ts'
import { hostWill, startBusHost } from '../src/gateway/bus/host.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { silentLog } from '../src/kernel/log.ts'
import { benchDoor } from './ping.ts'

/** `<url> <login>`: a process that runs one service for a hub at that broker. */
const [url = '', login = ''] = process.argv.slice(2)
const [clock, log] = [systemClock, silentLog]
const place = { login, instance: 'bench' }
const boot = crypto.randomUUID()
const broker = remoteBroker({ url, enforcesIdentity: true, clock })
const will = hostWill(place, boot)
const signal = AbortSignal.timeout(10_000)
const bus = await connectBus({ broker, clientId: 'bench', will, clock, log, signal })
const { invoke, registry, events } = benchDoor('service')
await startBusHost({ bus, broker, invoke, registry, events, clock, log, version: '1', place, others: [], boot })
process.send?.('ready')
