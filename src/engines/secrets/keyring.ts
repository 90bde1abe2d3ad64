import { Fault } from '../../kernel/fault.ts'
import { HUB_KEY, type Keys, type RootKeyReport } from '../../kernel/keys.ts'
import type { Secrets } from '../../kernel/ports.ts'
import { newKey, openBytes, sealBytes } from './cipher.ts'
import { createDataKeys, type DataKeys, type DataKeysOptions } from './data-keys.ts'
import { keyText } from './root-keys.ts'
import { rootKeyRotation } from './root-rotation.ts'
import { associatedWith, isCallersKey, parseSealed, sealedText, type SealedParts } from './sealed-text.ts'
import { createStoredTexts } from './stored-texts.ts'
import { rootGone, unwrapRetired } from './wrapping.ts'

/** Both ports, and what the owner of the keys may do besides. */
export interface Keyring extends Secrets, Keys, Pick<DataKeys, 'versions' | 'adopt'> {
  /**
   * Ends what a rotation began that was cut short, and takes over the keys of older releases. For whoever has the data folder
   * to themselves.
   */
  settle(): void
  /** The root key as its file would hold it: for a backup, and nothing else. */
  rootText(): string
}

/**
 * A root key wraps the data keys, the data keys seal. Replacing the root key changes one small file; replacing a data key makes
 * a new version of it, and what was sealed with older ones is sealed anew in its own time.
 */
export function createKeyring(options: DataKeysOptions): Keyring {
  const { file, roots } = options
  const dataKeys = createDataKeys(options)
  const rotation = rootKeyRotation({ file, roots })

  const openWithRoot = (parts: Extract<SealedParts, { form: 'v1' }>, context: string) => {
    const known = roots.keys()
    const key = known.find(({ id }) => id === parts.id) ?? unwrapRetired(known, file.read(), parts.id)
    if (!key) throw rootGone('this secret')
    return openBytes(key, parts.bytes, Buffer.from(context))
  }

  const openWithData = (parts: Extract<SealedParts, { form: 'v2' }>, context: string) => {
    const key = parts.name === HUB_KEY ? dataKeys.forOpening(parts) : undefined
    if (!key)
      throw new Fault('storage_failed', 'The key that sealed this secret is gone.', {
        hint: 'Put back the keys.json of that time, restore a backup, or enter the secret again.',
      })
    return openBytes(key, parts.bytes, associatedWith('hub', parts, Buffer.from(context)))
  }

  const secrets: Pick<Secrets, 'seal' | 'open' | 'isStale'> = {
    seal(plain, context) {
      const { key, named } = dataKeys.forSealing(HUB_KEY)
      return sealedText(named, sealBytes(key, Buffer.from(plain), associatedWith('hub', named, Buffer.from(context))))
    },
    open(sealed, context) {
      const parts = parseSealed(sealed)
      const plain =
        parts && (parts.form === 'v1' ? openWithRoot(parts, context) : openWithData(parts, context))?.toString('utf8')
      if (plain === undefined) throw unreadable()
      return plain
    },
    isStale(sealed) {
      const parts = parseSealed(sealed)
      if (!parts) throw unreadable()
      const newest = dataKeys.newest(HUB_KEY)
      return parts.form === 'v1' || parts.version !== newest?.version || parts.id !== newest.id
    },
  }
  const stored = createStoredTexts(secrets)

  return {
    ...secrets,
    tend: stored.tend,
    root: () => reportOf(roots.keys()[0]?.id ?? '', roots.source, file.read().retired.length),
    list: dataKeys.list,
    get: dataKeys.get,
    create: ({ name, maker, access }) => dataKeys.create(name, { maker, access }),
    rotate: dataKeys.rotate,
    rotateRoot() {
      rotation.rotate(newKey())
      return reportOf(roots.keys()[0]?.id ?? '', roots.source, file.read().retired.length)
    },
    settle: rotation.settle,
    versions: dataKeys.versions,
    adopt: dataKeys.adopt,
    rootText: () => keyText(roots.keys()),
    encrypt(name, plain, associated) {
      if (!isCallersKey(name)) throw refused()
      const { key, named } = dataKeys.forSealing(name)
      return sealedText(named, sealBytes(key, plain, associatedWith('caller', named, associated)))
    },
    decrypt(text, associated) {
      const parts = parseSealed(text)
      const key = parts?.form === 'v2' && isCallersKey(parts.name) ? dataKeys.forOpening(parts) : undefined
      const plain =
        key && parts?.form === 'v2' && openBytes(key, parts.bytes, associatedWith('caller', parts, associated))
      if (!plain) throw refused()
      return plain
    },
    describe(text) {
      const parts = parseSealed(text)
      return parts?.form === 'v2' ? { name: parts.name, version: parts.version } : undefined
    },
    rewrapStored: stored.rewrap,
    useOf: async (name, version, signal) => (name === HUB_KEY ? await stored.useOf(version, signal) : {}),
    destroyVersion: dataKeys.destroy,
  }
}

const reportOf = (id: string, source: RootKeyReport['source'], retired: number): RootKeyReport => ({
  id,
  source,
  retired,
})

const unreadable = () =>
  new Fault('storage_failed', 'The stored secret was changed, or sealed for something else.', {
    hint: 'Enter the secret again.',
  })

/** Whatever was wrong: which of them it was helps only whoever tries. */
const refused = () =>
  new Fault('invalid_input', 'The text cannot be opened.', {
    hint: 'It was changed, or needs another key or other associated data.',
  })
