import { fileURLToPath } from 'node:url'
import type { BEHAVIOURS } from './behaviours.ts'

const PROGRAM = fileURLToPath(new URL('./stdio.child.ts', import.meta.url))

/** A way to be broken, as `behaviours.ts` describes it. */
export type StdioBehaviour = keyof typeof BEHAVIOURS

/** How to start an MCP server over stdio that is broken in this way; fits `mcpServers` and `ServerDefinition`. */
export function stdioUpstream(
  behaviour: StdioBehaviour,
  { amount = 1, file = '' }: { readonly amount?: number; readonly file?: string } = {},
): { command: string; args: string[] } {
  return { command: process.execPath, args: [PROGRAM, behaviour, String(amount), file] }
}
