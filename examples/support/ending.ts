/** What has to end with a block of an example, the latest first. */
export interface Tasks extends AsyncDisposable {
  after(task: () => unknown): void
}

export function tasks(): Tasks {
  const all: (() => unknown)[] = []
  return {
    after: (task) => void all.unshift(task),
    async [Symbol.asyncDispose]() {
      for (const task of all) await task()
    },
  }
}
