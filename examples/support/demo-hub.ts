import { startHub, type TestHub } from '../../e2e/support/hub.ts'

/**
 * A hub of the example's own with the simulated home, on free ports and in a temporary folder. It ends with the block
 * that asked for it. With a hub that runs already, `urls` is what its start printed and `token` what `alicia token`
 * prints.
 */
export async function startDemoHub(): Promise<Pick<TestHub, 'urls' | 'token'> & AsyncDisposable> {
  const tasks: (() => unknown)[] = []
  const hub = await startHub({ after: (task) => tasks.unshift(task) }, { args: ['--demo'] })
  return {
    urls: hub.urls,
    token: hub.token,
    async [Symbol.asyncDispose]() {
      for (const task of tasks) await task()
    },
  }
}
