import type { Kysely } from 'kysely'

export type Dialect = 'sqlite' | 'postgres'

/** A database whose tables are known by their names alone. */
export type AnyDb = Kysely<Record<string, Record<string, unknown>>>
