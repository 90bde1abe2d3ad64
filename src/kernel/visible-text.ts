/** Controls, what steers a terminal or the direction of writing, line separators, private use, and half characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/u
const EACH_UNSEEN = new RegExp(UNSEEN, 'gu')

/**
 * The text on one line, with nothing in it that people do not see: what others wrote can then be stored and shown without
 * making lines of a log, moving the cursor or turning words around. What is replaced stays readable: `\u{1b}`.
 */
export function visibleText(text: string): string {
  if (!UNSEEN.test(text)) return text
  return text.replace(EACH_UNSEEN, (unseen) => `\\u{${(unseen.codePointAt(0) ?? 0).toString(16)}}`)
}
