import { peerWith } from '../../kernel/mcp/peer-with.ts'
import { readMembers, writeMembers } from '../../kernel/mcp/raw.ts'
import type { CallContext } from '../../kernel/tool.ts'

/**
 * The call with the arguments that were shown in place of its client's own text. Another server reads text by rules of its own:
 * of a name that stands twice somewhere in it, it may take the one that nobody saw.
 */
export function asShown(context: CallContext, input: unknown): CallContext {
  const { peer } = context
  if (!peer) return context
  const members = readMembers(peer.params)
  if (!members.has('arguments')) return context
  return { ...context, peer: peerWith(peer, writeMembers(members.set('arguments', JSON.stringify(input)))) }
}
