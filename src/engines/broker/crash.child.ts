import { silentLog } from '../../kernel/log.ts'
import { systemClock } from '../../kernel/clock.ts'
import { PEOPLE } from './access.cases.ts'
import { startEmbeddedBroker } from './embedded.ts'
import { startMosquitto } from './mosquitto.ts'

/** A hub's worth of broker in a process of its own, for tests that kill it. Prints the broker's URL. */
const [engine, place = ''] = process.argv.slice(2)
const options = { host: '127.0.0.1', port: 0, log: silentLog, ...PEOPLE }
const broker =
  engine === 'mosquitto'
    ? await startMosquitto({ ...options, folder: place, clock: systemClock })
    : await startEmbeddedBroker({ ...options, file: place })
process.stdout.write(`${broker.url}\n`)
