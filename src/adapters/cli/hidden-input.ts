import { text } from 'node:stream/consumers'
import { isCancel, password } from '@clack/prompts'
import { Fault } from '../../kernel/fault.ts'
import { aborted } from './context.ts'
import { harmless } from './style.ts'
import type { Terminal } from './terminal.ts'

/**
 * What nobody should see: from the keyboard without showing it, or from standard input, never from the command line, which other
 * users and the shell's history can read. Throws Fault `cancelled`.
 */
export async function hiddenInput(
  { stdin, stdout }: Terminal,
  { message, signal }: { readonly message: string; readonly signal: AbortSignal },
): Promise<string> {
  if (!stdin.isTTY) {
    try {
      return (await Promise.race([text(stdin), aborted(signal)])).replace(/\r?\n$/, '')
    } finally {
      stdin.destroy()
    }
  }
  const value = await password({ message: harmless(message), input: stdin, output: stdout, signal })
  if (isCancel(value)) throw new Fault('cancelled', 'Nothing was changed.')
  return value
}
