import { Fault } from '../../kernel/fault.ts'
import { HUB_KEY, type KeyReport } from '../../kernel/keys.ts'
import type { Log } from '../../kernel/log.ts'
import { MOST_SEALED, newKey, type Key } from './cipher.ts'
import type { KeyFile, KeyFileContent, StoredKey, StoredVersion } from './key-file.ts'
import type { RootKeys } from './root-keys.ts'
import { isCallersKey, type VersionName } from './sealed-text.ts'
import { isIn, opens, versionsIn, without, withVersion, type SharedVersion } from './shared-versions.ts'
import { unwrapVersion, wrapVersion } from './wrapping.ts'

export interface DataKeysOptions {
  readonly file: KeyFile
  readonly roots: RootKeys
  readonly log: Log
  /** A key that sealed so many texts is replaced by a new version. Others than the default are for tests. */
  readonly mostSealed?: number
}

/** How many texts are counted at once: once for so many the file is written. */
const COUNTED_AT_ONCE = 2 ** 16

/** The data keys: found, made, counted. */
export interface DataKeys {
  list(): readonly KeyReport[]
  get(name: string): KeyReport | undefined
  /** Throws Fault `conflict`, `invalid_input`. */
  create(name: string, stored: Omit<StoredKey, 'versions'>): KeyReport
  /** Throws Fault `not_found`. */
  rotate(name: string): KeyReport
  destroy(name: string, version: number): void
  /** The version that seals now, counted for one text more. Throws Fault `not_found`; the hub's own key is made. */
  forSealing(name: string): { readonly key: Key; readonly named: VersionName }
  /** Undefined: there is no such version. Throws Fault `storage_failed` when its root key is gone. */
  forOpening(named: VersionName): Key | undefined
  /** The version that seals now; undefined: none does yet. */
  newest(name: string): VersionName | undefined
  /** Each version there is. */
  versions(): readonly SharedVersion[]
  /** Takes over versions that other hubs made, as far as a root key opens them, and drops those that they destroyed. */
  adopt(made: readonly SharedVersion[], destroyed: readonly VersionName[]): void
}

export function createDataKeys({ file, roots, log, mostSealed = MOST_SEALED }: DataKeysOptions): DataKeys {
  const step = Math.min(COUNTED_AT_ONCE, mostSealed)
  /** Texts that each version may still seal before the file is written. */
  const room = new Map<string, number>()
  /** Texts that were sealed while the file could not be written. */
  const uncounted = new Map<string, number>()
  const opened = new Map<string, Key>()

  const unwrapped = (name: string, stored: StoredKey, version: StoredVersion): Key => {
    const label = labelOf(name, version)
    const known = opened.get(label)
    if (known) return known
    const key = unwrapVersion(roots.keys(), name, stored, version)
    opened.set(label, key)
    return key
  }

  const newVersion = (name: string, stored: Omit<StoredKey, 'versions'>, version: number): StoredVersion => {
    const [root] = roots.keys()
    if (!root) throw new TypeError('There is no root key.')
    const key = newKey()
    const { id } = key
    const wrapped = wrapVersion(root, name, stored, { version, id, key })
    return { version, id, created: new Date().toISOString(), sealed: 0, wrapped }
  }

  const withNewVersion = (name: string, stored: StoredKey): StoredKey => ({
    ...stored,
    versions: [newVersion(name, stored, (stored.versions[0]?.version ?? 0) + 1), ...stored.versions],
  })

  const change = (name: string, edit: (stored: StoredKey | undefined) => StoredKey) => {
    const content = file.change((content) => put(content, name, edit(own(content, name))))
    return own(content, name) as StoredKey
  }

  /** Room for more texts under the newest version, or under a new one where that has sealed enough. */
  const makeRoom = (name: string): StoredKey =>
    change(name, (found) => {
      const stored = found ?? firstOf(name)
      const [latest] = stored.versions
      const sealed = latest ? latest.sealed + step + (uncounted.get(labelOf(name, latest)) ?? 0) : 0
      if (sealed > mostSealed) log.info('a key has sealed as many texts as it may: it is rotated', { key: name })
      const { versions, ...rest } = latest && sealed <= mostSealed ? stored : withNewVersion(name, stored)
      const [newest, ...older] = versions
      if (!newest) throw new TypeError('A key has no version.')
      const counted = { ...newest, sealed: newest === latest ? sealed : step }
      return { ...rest, versions: [counted, ...older] }
    })

  /** A disk that is full for a while keeps nobody from sealing: what could not be counted is counted later. */
  const withRoom = (name: string, found: StoredKey | undefined): StoredKey => {
    const [latest] = found?.versions ?? []
    try {
      const stored = makeRoom(name)
      if (latest) uncounted.delete(labelOf(name, latest))
      return stored
    } catch (error) {
      const label = latest && labelOf(name, latest)
      const owed = step + (uncounted.get(label ?? '') ?? 0)
      if (!found || label === undefined || (latest?.sealed ?? 0) + owed > mostSealed) throw error
      uncounted.set(label, owed)
      log.warn('how many texts a key sealed cannot be written down', { key: name, error })
      return found
    }
  }

  const firstOf = (name: string): StoredKey => {
    if (isCallersKey(name)) throw noKey(name)
    return { maker: HUB_KEY, access: { is: 'maker' }, versions: [] }
  }

  return {
    list: () =>
      Object.entries(file.read().keys)
        .map(([name, stored]) => reportOf(name, stored))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    get(name) {
      const stored = own(file.read(), name)
      return stored && reportOf(name, stored)
    },
    create(name, wanted) {
      if (!isCallersKey(name))
        throw new Fault('invalid_input', `No key can be called ${JSON.stringify(name.slice(0, 60))}.`, {
          hint: 'A name has lower-case letters, digits and -, a letter first, at most 50; root and hub are taken.',
        })
      const stored = change(name, (found) => {
        if (found) throw new Fault('conflict', `There is a key called ${name} already.`, { hint: 'Rotate that one.' })
        return withNewVersion(name, { ...wanted, versions: [] })
      })
      return reportOf(name, stored)
    },
    rotate(name) {
      const stored = change(name, (found) => withNewVersion(name, found ?? firstOf(name)))
      return reportOf(name, stored)
    },
    destroy(name, version) {
      change(name, (found) => {
        if (!found) throw noKey(name)
        const kept = found.versions.filter((other) => other.version !== version)
        if (kept.length === found.versions.length)
          throw new Fault('not_found', `The key ${name} has no version ${version}.`, {
            hint: `It has: ${found.versions.map((other) => other.version).join(', ')}.`,
          })
        if (found.versions[0]?.version === version)
          throw new Fault('conflict', `Version ${version} of the key ${name} is the newest: it seals.`, {
            hint: 'Rotate the key first.',
          })
        return { ...found, versions: kept }
      })
      opened.clear()
    },
    forSealing(name) {
      let stored = own(file.read(), name)
      const latest = stored?.versions[0]
      if (!stored || !latest || !room.get(labelOf(name, latest))) {
        stored = withRoom(name, stored)
        if (stored.versions[0]) room.set(labelOf(name, stored.versions[0]), step)
      }
      const [newest] = stored.versions
      if (!newest) throw new TypeError('A key has no version.')
      const label = labelOf(name, newest)
      room.set(label, (room.get(label) ?? 0) - 1)
      const { version, id } = newest
      return { key: unwrapped(name, stored, newest), named: { name, version, id } }
    },
    forOpening({ name, version, id }) {
      const stored = own(file.read(), name)
      const found = stored?.versions.find((other) => other.version === version && other.id === id)
      return stored && found && unwrapped(name, stored, found)
    },
    newest(name) {
      const [newest] = own(file.read(), name)?.versions ?? []
      return newest && { name, version: newest.version, id: newest.id }
    },
    versions: () => versionsIn(file.read()),
    adopt(made, destroyed) {
      const content = file.read()
      const added = made.filter((version) => !isIn(content, version) && opens(roots.keys(), content, version))
      const gone = destroyed.filter((version) => isIn(content, version))
      if (added.length === 0 && gone.length === 0) return
      file.change((current) => without(added.reduce(withVersion, current), gone))
      opened.clear()
    },
  }
}

const labelOf = (name: string, { version, id }: Pick<StoredVersion, 'version' | 'id'>) => `${name}.${version}.${id}`

const own = ({ keys }: KeyFileContent, name: string): StoredKey | undefined =>
  Object.hasOwn(keys, name) ? keys[name] : undefined

const put = (content: KeyFileContent, name: string, stored: StoredKey): KeyFileContent => ({
  ...content,
  keys: { ...content.keys, [name]: stored },
})

const reportOf = (name: string, { maker, access, versions }: StoredKey): KeyReport => ({
  name,
  maker,
  access,
  versions: versions.map(({ version, created, sealed }) => ({
    version,
    createdMs: Date.parse(created),
    sealedAtMost: sealed,
  })),
})

const noKey = (name: string) =>
  new Fault('not_found', `There is no key called ${JSON.stringify(name.slice(0, 60))}.`, {
    hint: 'list_keys shows those there are; create_key makes one.',
  })
