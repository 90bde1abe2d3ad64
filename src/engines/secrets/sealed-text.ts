import { HUB_KEY, ROOT_KEY } from '../../kernel/keys.ts'
import { SEAL_BYTES } from './cipher.ts'

/** Which version of which key. `id` tells two apart that hubs with one root key made at the same time. */
export interface VersionName {
  readonly name: string
  readonly version: number
  readonly id: string
}

/** A sealed text, taken apart. */
export type SealedParts =
  | ({ readonly form: 'v2'; readonly bytes: Buffer } & VersionName)
  /** Of releases before there were data keys: sealed with the root key itself. */
  | { readonly form: 'v1'; readonly id: string; readonly bytes: Buffer }

export const KEY_NAME = /^[a-z][a-z0-9-]{0,49}$/

const SEALED = /^(?:v1|v2\.([a-z][a-z0-9-]{0,49})\.([1-9]\d{0,8}))\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/

/** `v2.<key>.<version>.<id>.<nonce, cipher text and tag in base64url>` */
export const sealedText = ({ name, version, id }: VersionName, bytes: Buffer): string =>
  `v2.${name}.${version}.${id}.${bytes.toString('base64url')}`

/** Undefined for anything that `sealedText` does not write. */
export function parseSealed(text: string): SealedParts | undefined {
  const [, name, version, id = '', encoded = ''] = SEALED.exec(text) ?? []
  const bytes = Buffer.from(encoded, 'base64url')
  // The last character has bits to spare: of the texts that decode alike one is taken.
  if (bytes.length < SEAL_BYTES || bytes.toString('base64url') !== encoded) return undefined
  if (name === undefined) return { form: 'v1', id, bytes }
  return { form: 'v2', name, version: Number(version), id, bytes }
}

/** Who seals: what one seals the other cannot open, whatever the context. */
export type Sealer = 'hub' | 'caller'

/**
 * What is authenticated with a text: that the hub or a caller sealed it, its key, and what it is for. No two different sets
 * give the same bytes: there is no line feed in the first parts.
 */
export function associatedWith(sealer: Sealer, { name, version, id }: VersionName, context: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`alicia ${sealer}\n${name}.${version}.${id}\n`), context])
}

/** Whether callers may have a key of that name. */
export const isCallersKey = (name: string): boolean => KEY_NAME.test(name) && name !== HUB_KEY && name !== ROOT_KEY
