import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { PEOPLE } from './access.cases.ts'
import { brokerSuite } from './broker.suite.ts'
import { startMosquitto } from './mosquitto.ts'

brokerSuite('mosquitto', (place) =>
  startMosquitto({ host: '127.0.0.1', ...place, log: silentLog, clock: systemClock, ...PEOPLE }),
)
