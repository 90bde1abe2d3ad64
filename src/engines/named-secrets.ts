import { z } from 'zod'
import { Fault } from '../kernel/fault.ts'
import type { SealedTexts } from '../kernel/keys.ts'
import type { Log } from '../kernel/log.ts'
import type { Secrets } from '../kernel/ports.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'

/** Secrets that people gave a name, for use in configuration as `${secret:name}`. */
export interface NamedSecrets {
  /** By name, with the time of the last change; never a value. */
  list(): readonly { readonly name: string; readonly changed: string }[]
  /** Undefined when there is none of that name. Throws Fault `storage_failed` when it cannot be opened. */
  get(name: string): string | undefined
  /** Throws Fault `invalid_input` for a name that cannot stand in a reference, or an empty value. */
  set(name: string, value: string): void
  /** Whether there was one. */
  remove(name: string): boolean
  /** They as whoever seals them anew sees them. */
  readonly sealed: SealedTexts
}

export interface NamedSecretsOptions {
  /** Holds them sealed; made when the first one is set. */
  readonly file: string
  readonly secrets: Pick<Secrets, 'seal' | 'open'>
  readonly log: Log
}

const SecretFile = z.object({
  secrets: z.record(z.string(), z.object({ sealed: z.string(), changed: z.iso.datetime() })),
})
type Kept = z.infer<typeof SecretFile>['secrets']

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** What the sealed text is good for: moved under another name it does not open. */
const contextOf = (name: string) => `named-secret:${name}`

/** The file is read at each use: the command line changes it beside a running hub. */
export function openNamedSecrets({ file, secrets, log }: NamedSecretsOptions): NamedSecrets {
  const read = (): Kept => {
    const text = readPrivateFile(file, log)
    if (text === undefined) return {}
    try {
      return SecretFile.parse(JSON.parse(text)).secrets
    } catch (cause) {
      throw new Fault('storage_failed', `The file ${file} is not what it should be.`, {
        hint: 'Restore it from a backup, or remove it and set the secrets again.',
        cause,
      })
    }
  }
  const write = (kept: Kept) => writePrivateFile(file, `${JSON.stringify({ secrets: kept }, null, 2)}\n`)
  return {
    list: () =>
      Object.entries(read())
        .map(([name, { changed }]) => ({ name, changed }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    get(name) {
      const kept = read()
      const entry = Object.hasOwn(kept, name) ? kept[name] : undefined
      return entry && secrets.open(entry.sealed, contextOf(name))
    },
    set(name, value) {
      if (!NAME.test(name))
        throw new Fault('invalid_input', 'A secret’s name has 1 to 100 letters, digits, dots, _ and -.', {
          hint: 'For example: brave-api-key.',
        })
      if (value === '') throw new Fault('invalid_input', `The value of ${name} is empty.`)
      write({ ...read(), [name]: { sealed: secrets.seal(value, contextOf(name)), changed: new Date().toISOString() } })
    },
    remove(name) {
      const { [name]: gone, ...others } = read()
      if (gone) write(others)
      return gone !== undefined
    },
    sealed: {
      what: 'named secrets',
      read: async (after = '', most) =>
        Object.entries(read())
          .filter(([name]) => name > after)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .slice(0, most)
          .map(([name, { sealed }]) => ({ id: name, sealed, context: contextOf(name) })),
      async replace({ id, sealed: old }, sealed) {
        const kept = read()
        const entry = Object.hasOwn(kept, id) ? kept[id] : undefined
        if (entry?.sealed === old) write({ ...kept, [id]: { ...entry, sealed } })
      },
    },
  }
}
