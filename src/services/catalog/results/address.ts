/** Where kept results are read as MCP resources: a whole one, and one of its parts (from 1). */
export const RESULTS = 'alicia://results/'
export const PART_TEMPLATE = `${RESULTS}{id}/{part}`

export const resultAddress = (id: string, part?: number): string =>
  `${RESULTS}${id}${part === undefined ? '' : `/${part}`}`

/** What an address names; undefined: it is no address of a result. */
export function readResultAddress(uri: unknown): { id: string; part: number | undefined } | undefined {
  if (typeof uri !== 'string' || !uri.startsWith(RESULTS)) return undefined
  const [, id, part] = /^([\w-]{1,50})(?:\/(\d{1,9}))?$/.exec(uri.slice(RESULTS.length)) ?? []
  return id === undefined ? undefined : { id, part: part === undefined ? undefined : Number(part) }
}
