/** A text that somebody stores sealed, and what it was sealed for. */
export interface SealedText {
  /** Unique among those of its keeper. */
  readonly id: string
  readonly sealed: string
  /** As it was given to `seal`. */
  readonly context: string
}

/**
 * The sealed texts of one keeper (a table, a file): so that they can be sealed anew once a key has changed, and counted before an
 * old key is destroyed.
 */
export interface SealedTexts {
  /** What they are, for people, in the plural: `logins at MCP servers`. Unique. */
  readonly what: string
  /** Those whose id comes after `after`, in the order of their ids, `most` at most; without `after` from the first. */
  read(after: string | undefined, most: number): Promise<readonly SealedText[]>
  /** Puts `sealed` in the place of the old text, if that is still what stands there. */
  replace(text: SealedText, sealed: string): Promise<void>
}

/** The name of the key that seals what the hub itself stores. No caller seals or opens with it. */
export const HUB_KEY = 'hub'

/** A name for the key that wraps all the others; no data key can have it. */
export const ROOT_KEY = 'root'

/** A data key as people see it: everything but its bytes. */
export interface KeyReport {
  /** A letter, then letters, digits and `-`: lower case, at most 50. */
  readonly name: string
  /** The id of the caller or person who made it; `hub` for what the hub made for itself. */
  readonly maker: string
  /** Who may seal and open with it. */
  readonly access: KeyAccess
  /** The newest first: it seals, all open. Never empty. */
  readonly versions: readonly KeyVersionReport[]
}

export type KeyAccess =
  | { readonly is: 'everyone' }
  /** Its maker alone. */
  | { readonly is: 'maker' }
  /** Whoever has all that this grant gives: `devices:write@room/kitchen`. */
  | { readonly is: 'grant'; readonly grant: string }

export interface KeyVersionReport {
  /** Counts from 1. */
  readonly version: number
  /** Wall-clock milliseconds. */
  readonly createdMs: number
  /** How many texts it may have sealed: never fewer than it did. */
  readonly sealedAtMost: number
}

/** The key that wraps the data keys. */
export interface RootKeyReport {
  /** Stands for it; says nothing of it. */
  readonly id: string
  readonly source: 'file' | 'environment' | 'keyring'
  /** Earlier root keys that are still kept, because texts of older releases were sealed with them. */
  readonly retired: number
}

/** How many stored texts need a key, by what they are. */
export type KeyUse = Readonly<Record<string, number>>

export interface RewrapReport {
  /** Texts that are sealed with the newest key now and were not before. */
  readonly rewrapped: number
  readonly current: number
  /** Texts that no key opens any more, by what they are: they are left as they are. */
  readonly unreadable: KeyUse
}

/** Named, versioned keys: what seals texts for callers, and the keeping of all keys. */
export interface Keys {
  root(): RootKeyReport
  /** By name. */
  list(): readonly KeyReport[]
  get(name: string): KeyReport | undefined
  /** Throws Fault `conflict` for a name that is taken, `invalid_input` for one that no key can have. */
  create(key: Pick<KeyReport, 'name' | 'maker' | 'access'>): KeyReport
  /** Makes a new version, which seals from now on. Throws Fault `not_found`. */
  rotate(name: string): KeyReport
  /** Makes a new root key and wraps every data key with it. Throws Fault `conflict` where the root key is not the hub's to change. */
  rotateRoot(): RootKeyReport
  /** With the newest version. `associated` must be the same to open it; it is not part of the text. Throws Fault `not_found`. */
  encrypt(name: string, plain: Uint8Array, associated: Uint8Array): string
  /** Throws Fault `invalid_input`: the same for whatever is wrong. */
  decrypt(text: string, associated: Uint8Array): Uint8Array
  /** Of which key and version a text says it is; undefined for what is no such text. */
  describe(text: string): { readonly name: string; readonly version: number } | undefined
  /** Seals what the hub stores anew where it was sealed with an older key. One at a time; a second call joins the first. */
  rewrapStored(signal: AbortSignal, onProgress?: (done: number) => void): Promise<RewrapReport>
  /** What the hub stores that only this version opens. */
  useOf(name: string, version: number, signal: AbortSignal): Promise<KeyUse>
  /** For good. Throws Fault `not_found`, or `conflict` for the newest version. */
  destroyVersion(name: string, version: number): void
}
