/**
 * About how many tokens a model counts for a text: words, digits by threes, runs of signs. Without the tables of a
 * tokenizer, which are megabytes; a test holds it against one, on the kinds of text that results are made of.
 */
export function estimateTokens(text: string): number {
  let tokens = 0
  for (const [piece] of text.matchAll(PIECES)) tokens += tokensOf(piece)
  return Math.ceil(tokens)
}

/** A word and one space before it; digits; other spaces; signs. */
const PIECES = / ?[a-zA-Z]+|\d{1,3}| ?[^\s\da-zA-Z]+|\s+/g

/** Words this long are mostly one token. Longer ones, and ids without meaning, are several. */
const WORD_CHARACTERS = 6

function tokensOf(piece: string): number {
  const trimmed = piece.trimStart()
  if (trimmed === '') return piece === ' ' ? 0.5 : 1
  const first = trimmed.charCodeAt(0)
  if (first > 127) return Buffer.byteLength(trimmed) / 2.5
  const isSign = !/[a-zA-Z\d]/.test(trimmed)
  if (isSign) return Math.ceil(trimmed.length / 3)
  const humps = trimmed.match(/[a-z][A-Z]/g)?.length ?? 0
  return Math.max(1 + humps, trimmed.length / WORD_CHARACTERS)
}
