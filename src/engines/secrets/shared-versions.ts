import type { Key } from './cipher.ts'
import type { KeyFileContent, StoredKey } from './key-file.ts'
import type { VersionName } from './sealed-text.ts'
import { unwrapVersion } from './wrapping.ts'

/** A version on its own, with what it is bound to. */
export interface SharedVersion extends VersionName, Omit<StoredKey, 'versions'> {
  readonly created: string
  readonly wrapped: string
}

export const versionsIn = ({ keys }: KeyFileContent): readonly SharedVersion[] =>
  Object.entries(keys).flatMap(([name, { maker, access, versions }]) =>
    versions.map(({ version, id, created, wrapped }) => ({ name, maker, access, version, id, created, wrapped })),
  )

export const isIn = (content: KeyFileContent, { name, version, id }: VersionName): boolean =>
  keyIn(content, name)?.versions.some((other) => other.version === version && other.id === id) ?? false

/** Whether one of these root keys wrapped it, for this key: two hubs may have made one of the same name for two people. */
export function opens(roots: readonly Key[], content: KeyFileContent, shared: SharedVersion): boolean {
  try {
    const { maker, access } = keyIn(content, shared.name) ?? shared
    unwrapVersion(roots, shared.name, { maker, access, versions: [] }, { ...shared, sealed: 0 })
    return true
  } catch {
    return false
  }
}

/** The newest first; of two with one number, that of the lower id: every hub must come to the same. */
export function withVersion(content: KeyFileContent, shared: SharedVersion): KeyFileContent {
  const { name, maker, access, version, id, created, wrapped } = shared
  const known = keyIn(content, name)
  const versions = [...(known?.versions ?? []), { version, id, created, wrapped, sealed: 0 }]
  versions.sort((a, b) => b.version - a.version || (a.id < b.id ? -1 : 1))
  return { ...content, keys: { ...content.keys, [name]: { maker, access, ...known, versions } } }
}

/** Never the last one of a key: what seals stays. */
export function without(content: KeyFileContent, gone: readonly VersionName[]): KeyFileContent {
  const isGone = (name: string, version: { readonly version: number; readonly id: string }) =>
    gone.some((other) => other.name === name && other.version === version.version && other.id === version.id)
  const keys = Object.entries(content.keys).map(([name, key]) => {
    const versions = key.versions.filter((version) => !isGone(name, version))
    return [name, versions.length === 0 ? key : { ...key, versions }] as const
  })
  return { ...content, keys: Object.fromEntries(keys) }
}

const keyIn = ({ keys }: KeyFileContent, name: string): StoredKey | undefined =>
  Object.hasOwn(keys, name) ? keys[name] : undefined
