import { startEmbeddedBroker } from '../../../engines/broker/embedded.ts'
import { silentLog } from '../../../kernel/log.ts'
import { mqttToolsSuite } from './tools.suite.ts'

mqttToolsSuite('the embedded broker', async (ending) => {
  const broker = await startEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    file: ':memory:',
    log: silentLog,
    ownerToken: 'a token of the owner',
    users: [],
    anonymous: false,
  })
  ending.after(() => broker.stop())
  return broker
})
