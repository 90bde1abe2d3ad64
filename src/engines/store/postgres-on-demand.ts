import type { openPostgres } from './postgres.ts'

/** `openPostgres`, loaded where there is one: its client is a megabyte of memory that most hubs do not need. */
export const openPostgresOnDemand: typeof openPostgres = async (options) =>
  (await import('./postgres.ts')).openPostgres(options)
