import { RpcError, type Params } from '../../kernel/mcp/message.ts'
import { RPC } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'

/** Entries in one page of a list. Far above what a model can use at once, far below what a message can hold. */
const PAGE_SIZE = 200

/** An entry of a list in the order of its keys. */
export interface ListEntry {
  readonly key: string
  readonly text: JsonText
}

/** One page as members of a result: `"tools":[…]`, and `nextCursor` if there is more. Throws RpcError for a wrong cursor. */
export function pageOf(member: string, entries: readonly ListEntry[], { cursor }: Params): JsonText {
  const start = startOf(cursor, entries)
  const page = entries.slice(start, start + PAGE_SIZE)
  const next = entries[start + PAGE_SIZE]
  const list = `"${member}":[${page.map(({ text }) => text).join(',')}]`
  return next ? `${list},"nextCursor":"${Buffer.from(next.key).toString('base64url')}"` : list
}

/** A cursor names the entry to go on with, so that a list that changed meanwhile neither skips nor repeats one. */
function startOf(cursor: unknown, entries: readonly ListEntry[]): number {
  if (cursor === undefined) return 0
  const key = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : ''
  const start =
    key !== '' && Buffer.from(key).toString('base64url') === cursor
      ? entries.findIndex((entry) => entry.key >= key)
      : -1
  if (start === -1) throw new RpcError(RPC.invalidParams, 'Invalid params: this cursor is not from this list.')
  return start
}
