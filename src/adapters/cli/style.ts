import type { Terminal } from './terminal.ts'

/** Text for a terminal; each leaves it as it is where there are no colours. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

const paint = (open: number, close: number) => (text: string) => `\u001B[${open}m${text}\u001B[${close}m`

const COLOURS: Style = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  red: paint(31, 39),
  green: paint(32, 39),
  yellow: paint(33, 39),
  cyan: paint(36, 39),
}

const same = (text: string) => text

export const PLAIN: Style = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same }

/** Colours only for a person who has not declined them (no-color.org: any non-empty NO_COLOR). */
export function styleFor(stream: { readonly isTTY?: boolean }, env: Terminal['env']): Style {
  return stream.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb' ? COLOURS : PLAIN
}

/**
 * Text from elsewhere as it may be shown: what could move the cursor, rewrite the screen, turn words around (Unicode TR 9) or hide
 * a text in another (tags) is made visible. Line feeds and tabs stay, and what joins letters and emoji.
 */
export function harmless(text: string): string {
  return text.replaceAll(/(?![\n\t])\p{Cc}|[\p{Bidi_Control}\p{Zl}\p{Zp}\u{E0000}-\u{E007F}]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16)
    return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, '0')}`
  })
}

/** Columns of text, two spaces apart; the last is not padded. `rows` may differ in length. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell))
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell))))
      .join('  ')
      .trimEnd(),
  )
}

/** What a terminal shows of it: colours take no room. */
export const widthOf = (text: string) => Array.from(text.replaceAll(/\p{Cc}\[\d+m/gu, '')).length
