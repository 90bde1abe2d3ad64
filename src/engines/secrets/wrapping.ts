import { Fault } from '../../kernel/fault.ts'
import { keyOf, openBytes, sealBytes, type Key } from './cipher.ts'
import type { KeyFileContent, StoredKey, StoredVersion } from './key-file.ts'

/**
 * Data keys under the root key. What a key is for is authenticated with it: a file in which somebody gave a key to everyone, or
 * another name, opens none.
 */
const contextOf = (name: string, { maker, access }: Omit<StoredKey, 'versions'>, { version, id }: Named): Buffer =>
  Buffer.from(`alicia data key\n${JSON.stringify([name, version, id, maker, access])}`)

type Named = Pick<StoredVersion, 'version' | 'id'>

const retiredContext = (id: string): Buffer => Buffer.from(`alicia retired root key\n${id}`)

const wrap = (root: Key, { bytes }: Key, context: Buffer): string =>
  `${root.id}.${sealBytes(root, bytes, context).toString('base64url')}`

export const wrapVersion = (
  root: Key,
  name: string,
  stored: Omit<StoredKey, 'versions'>,
  named: Named & { key: Key },
) => wrap(root, named.key, contextOf(name, stored, named))

/** Throws Fault `storage_failed` when no root key opens it. */
export function unwrapVersion(roots: readonly Key[], name: string, stored: StoredKey, version: StoredVersion): Key {
  const bytes = unwrap(roots, version.wrapped, contextOf(name, stored, version))
  if (bytes !== undefined) return keyOf(bytes)
  throw rootGone(`version ${version.version} of the key ${name}`)
}

/** Undefined: that root key is not among them. */
export function unwrapRetired(roots: readonly Key[], { retired }: KeyFileContent, id: string): Key | undefined {
  const entry = retired.find((entry) => entry.id === id)
  const bytes = entry && unwrap(roots, entry.wrapped, retiredContext(id))
  return bytes && keyOf(bytes)
}

function unwrap(roots: readonly Key[], wrapped: string, context: Buffer): Buffer | undefined {
  const [id, text = ''] = wrapped.split('.')
  const root = roots.find((root) => root.id === id)
  return root && openBytes(root, Buffer.from(text, 'base64url'), context)
}

/** Whether anything is wrapped with another root key than the newest, or one of the others is not kept yet. */
export function isUnsettled([newest, ...older]: readonly Key[], { keys, retired }: KeyFileContent): boolean {
  const wrapped = [...Object.values(keys).flatMap(({ versions }) => versions), ...retired]
  return (
    wrapped.some((entry) => !entry.wrapped.startsWith(`${newest?.id}.`)) ||
    older.some(({ id }) => !retired.some((entry) => entry.id === id))
  )
}

/** Everything wrapped with the newest root key, the older ones among it. What no root key opens stays as it is. */
export function settled(roots: readonly Key[], content: KeyFileContent): KeyFileContent {
  const [newest, ...older] = roots
  if (!newest) return content
  const again = (wrapped: string, context: Buffer) => {
    const bytes = wrapped.startsWith(`${newest.id}.`) ? undefined : unwrap(roots, wrapped, context)
    return bytes === undefined ? wrapped : wrap(newest, keyOf(bytes), context)
  }
  const keys = Object.entries(content.keys).map(([name, key]) => [
    name,
    {
      ...key,
      versions: key.versions.map((version) => ({
        ...version,
        wrapped: again(version.wrapped, contextOf(name, key, version)),
      })),
    },
  ])
  const kept = content.retired.map(({ id, wrapped }) => ({ id, wrapped: again(wrapped, retiredContext(id)) }))
  const added = older
    .filter(({ id }) => !kept.some((entry) => entry.id === id))
    .map((key) => ({ id: key.id, wrapped: wrap(newest, key, retiredContext(key.id)) }))
  return { ...content, keys: Object.fromEntries(keys) as KeyFileContent['keys'], retired: [...kept, ...added] }
}

export const rootGone = (what: string): Fault =>
  new Fault('storage_failed', `The root key that opens ${what} is gone.`, {
    hint: 'Put back the secret.key, the ALICIA_SECRET_KEY or the entry in the OS keyring of that time, or restore a backup.',
  })
