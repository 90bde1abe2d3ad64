import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import { KEY_NAME } from './sealed-text.ts'

const Id = z.string().regex(/^[0-9a-f]{8}$/)
/** `<id of the root key>.<base64url>` */
const Wrapped = z.string().regex(/^[0-9a-f]{8}\.[A-Za-z0-9_-]+$/)

const Version = z.object({
  version: z.int().min(1),
  id: Id,
  created: z.iso.datetime(),
  /** How many texts it may have sealed: room is taken here before it is used. */
  sealed: z.int().min(0),
  wrapped: Wrapped,
})
export type StoredVersion = z.infer<typeof Version>

const Access = z.discriminatedUnion('is', [
  z.object({ is: z.literal('everyone') }),
  z.object({ is: z.literal('maker') }),
  z.object({ is: z.literal('grant'), grant: z.string() }),
])

const StoredKey = z.object({
  maker: z.string(),
  access: Access,
  /** The newest first. */
  versions: z.array(Version).min(1),
})
export type StoredKey = z.infer<typeof StoredKey>

const Content = z.object({
  format: z.literal(1),
  keys: z.record(z.string().regex(KEY_NAME), StoredKey),
  /** Root keys of before, wrapped: texts of older releases were sealed with them. */
  retired: z.array(z.object({ id: Id, wrapped: Wrapped })),
})
/** The data keys, wrapped. */
export type KeyFileContent = z.infer<typeof Content>

/** Where the data keys are kept. What `read` gives is never changed; `change` gives what is kept from then on. */
export interface KeyFile {
  read(): KeyFileContent
  /** One change at a time, of whichever process. Throws Fault `storage_failed`, `conflict` while another one changes them. */
  change(edit: (content: KeyFileContent) => KeyFileContent): KeyFileContent
  /** Whether anything was ever kept. */
  exists(): boolean
}

const EMPTY: KeyFileContent = { format: 1, keys: {}, retired: [] }

/** A file as the keys need it: readable by its owner alone, and written whole or not at all. */
export interface LockedFile {
  readonly path: string
  read(): string | undefined
  write(text: string): void
  /** Another one whenever the file is another one; undefined: there is none. */
  stamp(): string | undefined
  /** What lets it go; undefined: another program has it. */
  lock(): (() => void) | undefined
}

export function diskKeyFile(file: LockedFile): KeyFile {
  let known: { readonly stamp: string; readonly content: KeyFileContent } | undefined
  const read = () => {
    const stamp = file.stamp()
    if (stamp === undefined) return EMPTY
    if (known?.stamp !== stamp) known = { stamp, content: parse(file.read() ?? '', file.path) }
    return known.content
  }
  return {
    read,
    exists: () => file.stamp() !== undefined,
    change(edit) {
      const release = file.lock()
      if (!release)
        throw new Fault('conflict', 'Another program changes the keys just now.', { hint: 'Try again in a moment.' })
      try {
        const content = edit(read())
        file.write(`${JSON.stringify(content, null, 2)}\n`)
        return content
      } finally {
        release()
      }
    },
  }
}

/** Gone with the process. */
export function memoryKeyFile(): KeyFile {
  let content = EMPTY
  return { read: () => content, exists: () => content !== EMPTY, change: (edit) => (content = edit(content)) }
}

function parse(text: string, path: string): KeyFileContent {
  const hint = 'Restore it from a backup.'
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Fault('storage_failed', `The file ${path} with the keys is not JSON.`, { hint })
  }
  const parsed = Content.safeParse(value)
  if (parsed.success) return parsed.data
  const { format } = (value ?? {}) as { format?: unknown }
  if (typeof format === 'number' && format > EMPTY.format)
    throw new Fault('storage_failed', `A newer version of Alicia wrote ${path}.`, { hint: 'Run that version.' })
  throw new Fault('storage_failed', `The file ${path} with the keys is not what it should be.`, { hint })
}
