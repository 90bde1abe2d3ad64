/** Variables of a file with `NAME=value` lines: `export` before it, quotes around it and `#` comments as usual. */
export function parseEnvFile(text: string): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (name !== undefined) variables[name] = unquoted(value)
  }
  return variables
}

function unquoted(value: string): string {
  const [, single] = /^'([^']*)'\s*(?:#.*)?$/.exec(value) ?? []
  if (single !== undefined) return single
  const [, double] = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(value) ?? []
  if (double !== undefined) return double.replaceAll(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter)
  return value.replace(/(^|\s)#.*$/, '').trimEnd()
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }
