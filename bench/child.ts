import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** A process of the benchmark's own that answers one message at a time. */
export interface Child<Job, Answer> extends AsyncDisposable {
  ask(job: Job): Promise<Answer>
}

/** Runs a script which says first that it is ready; it ends with the benchmark, however that ends. */
export async function startChild<Job, Answer>(
  script: URL,
  args: readonly string[] = [],
): Promise<Child<Job, Answer> & { readonly ready: Answer }> {
  const child = fork(script, args)
  const asked: PromiseWithResolvers<Answer>[] = []
  const expect = () => {
    const answer = Promise.withResolvers<Answer>()
    asked.push(answer)
    return answer.promise
  }
  child.on('message', (answer) => asked.shift()?.resolve(answer as Answer))
  child.on('exit', (code, signal) => {
    for (const { reject } of asked) reject(new Error(`${script.pathname} ended early (${code ?? signal}).`))
  })
  return {
    ready: await expect(),
    async ask(job) {
      child.send(job as object)
      return await expect()
    },
    [Symbol.asyncDispose]: () => end(child),
  }
}

/** Asks a process to end and waits until it has. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill()
  await exit
}
