import { styleFor, PLAIN } from './style.ts'
import type { Terminal } from './terminal.ts'

/** Modules of white around it: what ISO/IEC 18004 asks for is 4, and phones make do with 2. */
const QUIET_ZONE = 2

/** White on black whatever the theme is: a code in the colours of a light one would be a negative. */
const inBlackAndWhite = (line: string) => `\u001B[97;40m${line}\u001B[0m`

/** The text as a QR code of half blocks; undefined where the terminal is too narrow for it. */
export async function qrCode(text: string, { stdout, env }: Terminal): Promise<string | undefined> {
  // Nobody needs it before somebody pairs a phone.
  const { renderUnicodeCompact } = await import('uqr')
  const lines = renderUnicodeCompact(text, { border: QUIET_ZONE, ecc: 'L' }).split('\n')
  const width = lines[0]?.length ?? 0
  // A terminal that does not know its size says 0.
  if (width > (stdout.columns || 80)) return undefined
  return lines.map(styleFor(stdout, env) === PLAIN ? String : inBlackAndWhite).join('\n')
}
