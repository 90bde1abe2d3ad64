import type { Caller } from '../caller.ts'
import type { Tool } from '../tool.ts'
import type { Peer } from './peer.ts'
import type { Profile } from './profile.ts'
import type { JsonText } from './raw.ts'

export interface ResultOf {
  readonly profile: Profile
  readonly tool: Tool
  readonly peer: Peer
  readonly caller: Caller
}

/** Makes of a `CallToolResult` that is more than its client can use one that is not; any other stays as it is. */
export type FitResult = (result: JsonText, of: ResultOf) => JsonText
