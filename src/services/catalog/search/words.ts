/**
 * The words of a text, as they are compared: names in any case style come apart, accents and capitals go. Han, kana and
 * hangul, which put no spaces between words, come as pairs of characters.
 */
export function wordsOf(text: string): string[] {
  const apart = text.replaceAll(/(?<=[\p{Ll}\d])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/gu, ' ')
  return (fold(apart).match(/[\p{L}\p{N}]+/gu) ?? []).flatMap((word) =>
    WITHOUT_SPACES.test(word) ? pairsOf(word) : [word],
  )
}

const WITHOUT_SPACES = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u

/** Without accents, in lower case. Hangul is put together again: it would fall into its letters. */
const fold = (text: string): string =>
  text.normalize('NFKD').replaceAll(/\p{M}/gu, '').normalize('NFC').toLowerCase().replaceAll('ß', 'ss')

function pairsOf(word: string): string[] {
  const characters = Array.from(word)
  if (characters.length === 1) return characters
  return characters.slice(1).map((character, at) => `${characters[at]}${character}`)
}

/** Endings of English, German, French and Spanish, the longest first, and how much of a word must be left. */
const ENDINGS: readonly (readonly [ending: string, least: number])[] = [
  ['ments', 4],
  ['ment', 4],
  ['ungen', 4],
  ['ings', 3],
  ['ing', 3],
  ['ung', 4],
  ['ies', 3],
  ['ed', 3],
  ['es', 3],
  ['en', 5],
  ['os', 4],
  ['as', 4],
  ['s', 3],
  ['e', 3],
  ['y', 4],
  ['o', 4],
  ['a', 4],
]

/** One ending less, so that `files` and `file`, "Dateien" and "Datei" meet. Coarse: the same on both sides is all that counts. */
export function stem(word: string): string {
  if (/\d|(?:ss|us|is)$/.test(word)) return word
  for (const [ending, least] of ENDINGS) {
    const length = word.length - ending.length
    if (length < least || !word.endsWith(ending)) continue
    // running → run
    return word.slice(0, length).replace(/([bdgmnprt])\1$/, '$1')
  }
  return word
}
