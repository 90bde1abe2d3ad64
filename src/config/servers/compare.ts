import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { ServerConfig } from './read.ts'

/** What a new reading means for the servers that run; what stands in none of the lists is to be left alone. */
export interface ServerChange {
  readonly config: ServerConfig
  readonly added: readonly ServerDefinition[]
  /** By id, in their new form. */
  readonly changed: readonly ServerDefinition[]
  /** Ids of those that are in no file any more, or cannot be run as they are written now. */
  readonly removed: readonly string[]
  readonly same: readonly string[]
}

/** Undefined where nothing that matters differs. */
export function compareServers(before: ServerConfig, after: ServerConfig): ServerChange | undefined {
  if (summaryOf(before) === summaryOf(after)) return undefined
  const old = new Map(before.definitions.map(({ id, fingerprint }) => [id, fingerprint]))
  const kept = new Set(after.definitions.map(({ id }) => id))
  return {
    config: after,
    added: after.definitions.filter(({ id }) => !old.has(id)),
    changed: after.definitions.filter(({ id, fingerprint }) => old.has(id) && old.get(id) !== fingerprint),
    removed: [...old.keys()].filter((id) => !kept.has(id)),
    same: after.definitions.filter(({ id, fingerprint }) => old.get(id) === fingerprint).map(({ id }) => id),
  }
}

/** The first server that was not wrong before and is now. */
export function newlyWrong(before: ServerConfig, after: ServerConfig) {
  const known = new Set(before.unusable.map(({ id }) => id))
  return after.unusable.find(({ id, is }) => is === 'wrong' && !known.has(id))
}

const summaryOf = ({ definitions, unusable, profiles, capabilities, warnings }: ServerConfig) =>
  fingerprintOf({
    servers: [...definitions, ...unusable].map(({ id, fingerprint }) => [id, fingerprint]),
    profiles,
    capabilities,
    warnings: warnings.map(({ text }) => text),
  })
