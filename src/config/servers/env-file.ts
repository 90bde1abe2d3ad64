/** Variables of a file with `NAME=value` lines: `export` before it, quotes around it and `#` comments as usual. */
export function parseEnvFile(text: string): Record<string, string> {
  const variables = new Map<string, string>()
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=(.*)$/s.exec(line) ?? []
    if (name !== undefined) variables.set(name, unquoted(value.trim()))
  }
  // One called `__proto__` is a variable like any other.
  return Object.fromEntries(variables)
}

function unquoted(value: string): string {
  const [, single] = /^'([^']*)'\s*(?:#.*)?$/.exec(value) ?? []
  if (single !== undefined) return single
  const [, double] = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(value) ?? []
  if (double !== undefined) return double.replaceAll(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter)
  return value.replace(/(^|\s)#.*$/s, '').trimEnd()
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }
