/** Whether one of these patterns fits a whole name; `*` stands for any characters. No regular expression: they come from outside. */
export const namesIt = (patterns: readonly string[], name: string): boolean =>
  patterns.some((pattern) => fits(pattern, name))

function fits(pattern: string, name: string): boolean {
  const parts = pattern.split('*')
  const [first = ''] = parts
  if (parts.length === 1) return pattern === name
  const last = parts.at(-1) ?? ''
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false
  let at = first.length
  const end = name.length - last.length
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at)
    if (found === -1 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
