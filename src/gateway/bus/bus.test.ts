import { startEmbeddedBroker, type EmbeddedBroker } from '../../engines/broker/embedded.ts'
import { silentLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { ACCESS, describeBus } from './bus.suite.ts'

describeBus('the embedded broker', async (test) => {
  const file = `${temporaryFolder(test)}/broker.db`
  const start = (port: number) => startEmbeddedBroker({ ...ACCESS, host: '127.0.0.1', port, file, log: silentLog })
  let running: EmbeddedBroker | undefined = await start(0)
  const first = running
  const kill = async () => {
    await running?.stop()
    running = undefined
  }
  test.after(kill)
  return {
    broker: { ...first, login: (account) => (running ?? first).login(account) },
    kill,
    async revive() {
      running = await start(Number(new URL(first.url).port))
    },
  }
})
