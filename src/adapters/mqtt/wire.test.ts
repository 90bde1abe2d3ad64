import { startEmbeddedBroker } from '../../engines/broker/embedded.ts'
import { silentLog } from '../../kernel/log.ts'
import { describeWire } from './wire.suite.ts'

describeWire('the embedded broker', (access) =>
  startEmbeddedBroker({ host: '127.0.0.1', port: 0, file: ':memory:', log: silentLog, ...access }),
)
