import { createHash } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import type { Redact } from '../../kernel/redact.ts'
import type { Entry } from '../../kernel/registry.ts'
import type { Tool } from '../../kernel/tool.ts'
import { visibleText } from '../../kernel/visible-text.ts'
import type { WaitingCall } from '../../kernel/waiting-call.ts'

/** Made once for each tool: a server that describes it anew gives another. */
const hashes = new WeakMap<Tool, string>()

/** Stands for everything that says what a tool is and does. */
export function toolHash(tool: Tool): string {
  const known = hashes.get(tool)
  if (known !== undefined) return known
  const { name, summary, description, scope, effect, inputSchema, mcp } = tool
  const hash = sha256([name, summary, description, scope, effect, inputSchema, mcp?.value])
  hashes.set(tool, hash)
  return hash
}

interface Asked {
  readonly id: string
  readonly entry: Entry
  readonly input: unknown
  readonly caller: Caller
  readonly askedMs: number
  readonly untilMs: number
}

/** The longest sentence that is shown of a tool: other servers' run over pages. */
const LONGEST_SUMMARY = 300

/** The call as somebody sees it who decides by it. */
export function faceOf({ id, entry, input, caller, askedMs, untilMs }: Asked, redact: Redact): WaitingCall {
  const { tool, provider } = entry
  const { id: callerId, name, via, role, person, address } = caller
  return {
    id,
    operation: visibleText(tool.name),
    summary: visibleText(tool.summary).slice(0, LONGEST_SUMMARY),
    provider: provider.id,
    caller: {
      id: callerId,
      name: visibleText(name),
      via,
      ...(role !== undefined && { role }),
      ...(person !== undefined && { person }),
      ...(address !== undefined && { address }),
    },
    arguments: redact(input, tool),
    fingerprint: fingerprintOf(entry, input),
    askedMs,
    untilMs,
  }
}

/** Of operation, provider, description and all arguments. */
export const fingerprintOf = ({ tool, provider }: Entry, input: unknown): string =>
  sha256([tool.name, provider.id, toolHash(tool), input])

const sha256 = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')

/** Letters and digits that nobody takes for others, read out or written down. */
const LETTERS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
const LENGTH = 4

/** A name for a call: it tells calls apart and is no secret. */
export function nameCall(isTaken: (id: string) => boolean): string {
  for (;;) {
    const bytes = crypto.getRandomValues(new Uint8Array(LENGTH))
    const id = Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join('')
    if (!isTaken(id)) return id
  }
}
