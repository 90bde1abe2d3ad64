import type { Key } from './cipher.ts'
import type { KeyFile } from './key-file.ts'
import type { RootKeys } from './root-keys.ts'
import { isUnsettled, settled } from './wrapping.ts'

/**
 * Puts a new root key in the place of the old one, in three steps: both are kept; everything is wrapped with the new one; the
 * old one goes. Whatever ends the program between two of them, each data key is wrapped with a key that is kept, and `settle`
 * does the rest.
 */
export function rootKeyRotation({ file, roots }: { file: KeyFile; roots: RootKeys }) {
  const settle = () => {
    const keys = roots.keys()
    if (isUnsettled(keys, file.read())) file.change((content) => settled(keys, content))
    // Those of the environment are their owner's to remove.
    if (keys.length > 1 && roots.source !== 'environment') roots.replace(keys.slice(0, 1))
  }
  return {
    settle,
    rotate(fresh: Key) {
      roots.replace([fresh, ...roots.keys()])
      settle()
    },
  }
}
