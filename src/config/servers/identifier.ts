import { createHash } from 'node:crypto'

/** Longer ones leave a tool no room in the 64 characters that clients take. */
const LONGEST = 32
const HASH_LENGTH = 6

/**
 * The id of a server: `[a-z][a-z0-9_-]*`, at most 32 characters. The same name always gives the same id; a name with
 * nothing usable in it, or a long one, gets a hash, so that two different ones stay different.
 */
export function identifierOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
  if (plain === '') return `server-${hashOf(name)}`
  if (plain.length <= LONGEST) return plain
  return `${plain.slice(0, LONGEST - HASH_LENGTH - 1).replace(/-+$/, '')}-${hashOf(name)}`
}

const hashOf = (name: string) => createHash('sha256').update(name).digest('hex').slice(0, HASH_LENGTH)
