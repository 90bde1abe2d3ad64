import { z } from 'zod'
import type { Caller } from '../../../kernel/caller.ts'
import { Fault } from '../../../kernel/fault.ts'
import { HUB_KEY, ROOT_KEY, type KeyReport, type Keys, type KeyUse } from '../../../kernel/keys.ts'
import { operation } from '../../../kernel/operation.ts'
import { isOverAll, managedKey, mayManageKey, mayUseKey, refuseRoot } from './access.ts'
import { Access, describeKey, KeyName, KeyShape, newKeyOf, type EncryptionDeps } from './shapes.ts'

const Root = z
  .object({
    id: z.string(),
    source: z.enum(['file', 'environment', 'keyring']),
    retired: z.int().describe('Earlier ones that are kept for texts of older releases'),
  })
  .describe('The key that wraps the others')

export const createKey = operation<EncryptionDeps>()({
  name: 'security.create_key',
  summary: 'Make a key to encrypt with.',
  scope: 'crypto:write',
  effect: 'write',
  input: z.object({ name: KeyName, for: Access.default('me') }),
  output: KeyShape,
  handler: async ({ name, for: access }, { keys, caller }) =>
    describeKey(keys.create(newKeyOf(caller, name, access)), true),
})

export const listKeys = operation<EncryptionDeps>()({
  name: 'security.list_keys',
  summary: 'The keys you may use or change, with their versions; never the keys themselves.',
  scope: 'crypto:write',
  effect: 'read',
  input: z.object({}),
  output: z.object({ root: Root.optional(), keys: z.array(KeyShape) }),
  handler: async (_, { keys, caller }) => listingFor(keys, caller),
})

/** The keys as that caller may see them. */
export function listingFor(keys: Keys, caller: Caller) {
  const own = keys.list().filter((key) => mayUseKey(caller, key) || mayManageKey(caller, key))
  return {
    ...(isOverAll(caller) && { root: keys.root() }),
    keys: own.map((key) => describeKey(key, mayUseKey(caller, key))),
  }
}

export const rotateKey = operation<EncryptionDeps>()({
  name: 'security.rotate_key',
  summary: 'Make a new version of a key, which encrypts from now on; older ones still decrypt.',
  description:
    '`hub` is the key of what the hub stores, which is then encrypted anew in the background; `root` is the key that wraps ' +
    'all others.',
  scope: 'crypto:write',
  effect: 'write',
  input: z.object({ name: KeyName }),
  output: z.object({ name: z.string(), version: z.int().optional().describe('Absent for root') }),
  async handler({ name }, { keys, caller, rewrapping }) {
    if (name === ROOT_KEY) {
      refuseRoot(caller)
      keys.rotateRoot()
      return { name }
    }
    managedKey(keys, caller, name)
    const version = keys.rotate(name).versions[0]?.version
    if (name === HUB_KEY) rewrapping.begin()
    return { name, ...(version !== undefined && { version }) }
  },
})

export const rewrapSecrets = operation<EncryptionDeps>()({
  name: 'security.rewrap_secrets',
  summary:
    'Encrypt what the hub stores anew where an older key encrypted it. It does so by itself after each rotation.',
  scope: 'crypto:write',
  effect: 'write',
  idempotent: true,
  timeoutMs: 600_000,
  input: z.object({}),
  output: z.object({
    rewrapped: z.int(),
    current: z.int().describe('Had the newest key already'),
    unreadable: z.record(z.string(), z.int()).describe('What no key opens any more, by what it is'),
  }),
  handler: async (_, { rewrapping, signal, emit }) => ({
    ...(await rewrapping.run(signal, (progress) => emit({ progress }))),
  }),
})

export const destroyKeyVersion = operation<EncryptionDeps>()({
  name: 'security.destroy_key_version',
  summary: 'Destroy an old version of a key: what it encrypted can never be decrypted again.',
  scope: 'crypto:write',
  effect: 'destructive',
  timeoutMs: 600_000,
  input: z.object({
    name: KeyName,
    version: z.int().min(1),
    accept_loss: z.boolean().default(false).describe('Destroy it though texts may still need it'),
  }),
  output: z.object({
    name: z.string(),
    version: z.int(),
    lost: z.record(z.string(), z.int()).describe('What nobody can read any more, and how much of it'),
  }),
  async handler({ name, version, accept_loss: isAccepted }, { keys, caller, signal }) {
    const key = managedKey(keys, caller, name)
    const lost = await lossOf(keys, key, version, signal)
    if (!isAccepted && Object.keys(lost).length > 0) throw stillNeeded(key, version, lost)
    keys.destroyVersion(name, version)
    return { name, version, lost }
  },
})

/** What the hub stores is counted; of what callers keep, only how much there can be at most. */
async function lossOf(keys: Keys, key: KeyReport, version: number, signal: AbortSignal): Promise<KeyUse> {
  if (key.name === HUB_KEY) return await keys.useOf(key.name, version, signal)
  const most = key.versions.find((other) => other.version === version)?.sealedAtMost ?? 0
  return most === 0 ? {} : { 'texts that callers keep, at most': most }
}

function stillNeeded({ name }: KeyReport, version: number, lost: KeyUse): Fault {
  const list = Object.entries(lost).map(([what, count]) => `${what}: ${count}`)
  return new Fault('conflict', `Version ${version} of the key ${name} is still needed. ${list.join(', ')}.`, {
    hint:
      name === HUB_KEY
        ? 'rewrap_secrets encrypts them anew; accept_loss destroys it all the same.'
        : 'rewrap encrypts a text anew; accept_loss destroys it all the same.',
    details: { lost },
  })
}
