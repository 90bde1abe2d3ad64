import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccessOptions } from '../../engines/broker/access.ts'
import { startEmbeddedBroker } from '../../engines/broker/embedded.ts'
import { startMosquitto } from '../../engines/broker/mosquitto.ts'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { describeForeignClients, describeWire, type WireBroker } from './wire.suite.ts'

const where = { host: '127.0.0.1', port: 0, log: silentLog }

async function mosquitto(access: AccessOptions): Promise<WireBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'alicia-test-'))
  const broker = await startMosquitto({ ...where, folder, clock: systemClock, ...access })
  return {
    ...broker,
    async stop() {
      await broker.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

describeWire('Mosquitto', mosquitto)
describeForeignClients('Mosquitto', mosquitto)
describeForeignClients('the embedded broker', (access) =>
  startEmbeddedBroker({ ...where, file: ':memory:', ...access }),
)
