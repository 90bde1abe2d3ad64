import { startHub, type TestHub } from '../../e2e/support/hub.ts'
import { tasks } from './ending.ts'

/**
 * A hub of the example's own with the simulated home, on free ports and in a temporary folder. It ends with the block
 * that asked for it. With a hub that runs already, `urls` is what its start printed and `token` what `alicia token`
 * prints.
 */
export async function startDemoHub(): Promise<Pick<TestHub, 'urls' | 'token'> & AsyncDisposable> {
  const ending = tasks()
  const { urls, token } = await startHub(ending, { args: ['--demo'] })
  return { urls, token, [Symbol.asyncDispose]: () => ending[Symbol.asyncDispose]() }
}
