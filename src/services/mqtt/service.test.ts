import { startEmbeddedBroker } from '../../engines/broker/embedded.ts'
import { silentLog } from '../../kernel/log.ts'
import { mqttServiceSuite } from './service.suite.ts'

mqttServiceSuite('the embedded broker', async (ending) => {
  const broker = await startEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    file: ':memory:',
    log: silentLog,
    ownerToken: 'a token of the owner',
    users: [{ name: 'ann', password: 'hunter22' }],
    anonymous: false,
  })
  ending.after(() => broker.stop())
  return broker
})
