import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { answersMqtt } from '../engines/broker/probe.ts'
import { temporaryFolder } from './folder.ts'
import { anyFreePort } from './free-port.ts'

/** The program as it is installed: Debian keeps it where only root's PATH looks. */
export const mosquittoProgram = (): string => (existsSync('/usr/sbin/mosquitto') ? '/usr/sbin/mosquitto' : 'mosquitto')

export interface TestMosquitto {
  readonly port: number
  /** `mqtt://127.0.0.1:port` */
  readonly url: string
  stop(): Promise<void>
}

/**
 * Somebody else's broker: a Mosquitto on a free port of the loopback interface that lets anybody in, unless the extra
 * lines of configuration say otherwise. It ends with the test.
 */
export async function startTestMosquitto(
  test: Pick<TestContext, 'after'>,
  options: { port?: number; lines?: readonly string[] } = {},
): Promise<TestMosquitto> {
  const port = options.port ?? (await anyFreePort())
  const conf = join(temporaryFolder(test), 'mosquitto.conf')
  const lines = options.lines ?? ['allow_anonymous true']
  writeFileSync(
    conf,
    [`user ${userInfo().username}`, 'set_tcp_nodelay true', `listener ${port} 127.0.0.1`, ...lines, ''].join('\n'),
  )
  const child = spawn(mosquittoProgram(), ['-c', conf], { stdio: ['ignore', 'ignore', 'pipe'] })
  const words: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => words.push(text))
  const exited = once(child, 'exit')
  const stop = async () => {
    child.kill()
    await exited
  }
  test.after(stop)
  while (!(await answersMqtt('127.0.0.1', port))) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended: ${words.join('')}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return { port, url: `mqtt://127.0.0.1:${port}`, stop }
}
