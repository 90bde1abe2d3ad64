import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

export interface ChildHub {
  readonly url: string
  /** SIGKILL: it has no chance to do anything any more. */
  kill(): Promise<void>
}

/** Runs a broker engine in a process of its own; it is killed when the test ends, if not before. */
export async function startChildHub(t: Pick<TestContext, 'after'>, engine: string, place: string): Promise<ChildHub> {
  const program = new URL('./crash.child.ts', import.meta.url).pathname
  const child: ChildProcess = spawn(process.execPath, [program, engine, place], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  t.after(kill)
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  return { url: line.toString().trim(), kill }
}
