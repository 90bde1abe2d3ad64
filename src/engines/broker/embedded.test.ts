import { join } from 'node:path'
import { silentLog } from '../../kernel/log.ts'
import { PEOPLE } from './access.cases.ts'
import { brokerSuite } from './broker.suite.ts'
import { startEmbeddedBroker } from './embedded.ts'

brokerSuite('embedded', ({ folder, ...ports }) =>
  startEmbeddedBroker({ host: '127.0.0.1', ...ports, file: join(folder, 'broker.sqlite'), log: silentLog, ...PEOPLE }),
)
