/** The text without that character at its end, however often it stands there. A pattern (`/0+$/`) would try each run of them in the text, from each place in it: its length squared. */
export function withoutTrailing(text: string, character: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === character) end--
  return text.slice(0, end)
}
