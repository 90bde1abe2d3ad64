/** Why a server cannot be run as it is written: a sentence without its full stop, and never a value. */
export class Unusable extends Error {
  override readonly name = 'Unusable'
  /** `missing`: a value that someone can still give; `wrong`: the file has to be changed. */
  readonly is: 'missing' | 'wrong'
  /** The key below the server, as far as it is known. */
  readonly path: readonly PropertyKey[]

  constructor(is: Unusable['is'], message: string, path: readonly PropertyKey[] = []) {
    super(message)
    this.is = is
    this.path = path
  }
}

/** Runs what may throw `Unusable`, and adds the key where it happened. */
export function locating<T>(path: readonly PropertyKey[], task: () => T): T {
  try {
    return task()
  } catch (error) {
    if (error instanceof Unusable && error.path.length === 0) throw new Unusable(error.is, error.message, path)
    throw error
  }
}
