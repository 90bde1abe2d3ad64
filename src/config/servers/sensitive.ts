/** What people call what they would not show. */
const WORDS =
  /api[-_]?key|token|secret|passw|passphrase|credential|authori[sz]ation|cookie|private[-_]?key|^pat$|[-_]pat$|access[-_]?key|dsn$/i

/** Whether a variable, header, parameter or flag of that name holds a secret. */
export const isSensitive = (name: string): boolean => WORDS.test(name) || /^(.*[-_])?(key|auth|pwd)$/i.test(name)

/** A header's value and, where it begins with a scheme, what follows: `Bearer abc` hides `abc` too. */
export function* sensitiveParts(value: string): Generator<string> {
  yield value
  const [, rest] = /^[A-Za-z]+ +(\S.*)$/.exec(value) ?? []
  if (rest !== undefined) yield rest
}

/** Password and telling parameters of an address, as they stand in it and decoded. */
export function* sensitiveInUrl(address: string): Generator<string> {
  const url = URL.parse(address)
  if (!url) return
  if (url.password !== '') yield* [url.password, decoded(url.password)]
  for (const [name, value] of url.searchParams) if (isSensitive(name)) yield* [value, encodeURIComponent(value)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What follows `--api-key`, or stands after the `=` of `--api-key=…`; addresses with a login in them. */
export function* sensitiveInArguments(args: readonly string[]): Generator<string> {
  for (const [index, arg] of args.entries()) {
    const [, flag, value] = /^--?([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(arg) ?? []
    if (flag === undefined) yield* sensitiveInUrl(arg)
    else if (isSensitive(flag)) {
      const given = value ?? args[index + 1]
      if (given !== undefined) yield given
    } else if (value !== undefined) yield* sensitiveInUrl(value)
  }
}
