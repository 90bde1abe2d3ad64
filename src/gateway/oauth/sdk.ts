import type * as Sdk from '@modelcontextprotocol/client'

/** Loaded when a login is first needed: it costs a hub without protected upstreams neither time nor memory. */
export const sdk = (): Promise<typeof Sdk> => import('@modelcontextprotocol/client')
