const LINE = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$/s
/** Up to the end of its line, or of a later one: keys in PEM form have many. */
const SINGLE = /'([^']*)'[^\S\n]*(?:#[^\n]*)?(?=\n|$)/y
const DOUBLE = /"([^"\\]*(?:\\[^][^"\\]*)*)"[^\S\n]*(?:#[^\n]*)?(?=\n|$)/y

/** Variables of a file with `NAME=value` lines: `export` before it, quotes around it and `#` comments as usual. */
export function parseEnvFile(text: string): Record<string, string> {
  const source = text.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n')
  const variables = new Map<string, string>()
  for (let at = 0; at < source.length;) {
    const lineEnd = source.indexOf('\n', at)
    const end = lineEnd === -1 ? source.length : lineEnd
    const [, name, value = ''] = LINE.exec(source.slice(at, end)) ?? []
    const quoted = name === undefined ? undefined : quotedAt(source, end - value.length)
    if (name !== undefined) variables.set(name, quoted?.value ?? withoutComment(value))
    at = (quoted?.end ?? end) + 1
  }
  // One called `__proto__` is a variable like any other.
  return Object.fromEntries(variables)
}

function quotedAt(source: string, offset: number): { readonly value: string; readonly end: number } | undefined {
  SINGLE.lastIndex = offset
  const [single, plain] = SINGLE.exec(source) ?? []
  if (single !== undefined && plain !== undefined) return { value: plain, end: offset + single.length }
  DOUBLE.lastIndex = offset
  const [double, escaped] = DOUBLE.exec(source) ?? []
  return double === undefined || escaped === undefined
    ? undefined
    : { value: unescaped(escaped), end: offset + double.length }
}

/** A backslash before anything else is one: `C:\Users`. */
const unescaped = (text: string): string =>
  text.replaceAll(/\\([nrt"\\$`])/g, (_, letter: string) => ESCAPES[letter] ?? letter)

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

const withoutComment = (value: string): string =>
  value
    .trim()
    .replace(/(^|\s)#.*$/s, '')
    .trimEnd()
