import { execFileSync } from 'node:child_process'
import process from 'node:process'
import { startMosquitto } from '../../engines/broker/mosquitto.ts'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { mosquittoProgram } from '../../testing/mosquitto.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { ACCESS, describeBus } from './bus.suite.ts'

describeBus('Mosquitto', async (test) => {
  const folder = temporaryFolder(test)
  const broker = await startMosquitto({
    ...ACCESS,
    host: '127.0.0.1',
    port: 0,
    folder,
    program: mosquittoProgram(),
    clock: systemClock,
    log: silentLog,
  })
  test.after(() => broker.stop())
  return {
    broker,
    // The hub's own supervision starts it again.
    kill: async () => void process.kill(pidOf(`${folder}/mosquitto.conf`), 'SIGKILL'),
    revive: async () => {},
  }
})

const pidOf = (conf: string): number => Number(execFileSync('pgrep', ['-f', conf], { encoding: 'utf8' }).split('\n')[0])
