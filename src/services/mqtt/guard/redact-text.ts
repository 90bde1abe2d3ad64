import { isSecretName } from './secret-names.ts'

/** What stands where a secret was. */
export const SECRET_SHOWN = '[redacted]'

export interface RedactedText {
  readonly text: string
  readonly redacted: number
}

/**
 * `name = value`, `name: "value"`, also inside a JSON string. Each way to write a value takes all there is and cannot
 * fail half-way, so that no text makes it slow; what is never closed goes to its end.
 */
const ASSIGNED =
  /(?<![\w-])([A-Za-z][\w-]{0,60})(\\{0,4}["']?[ \t]{0,4}[:=][ \t]{0,4})(\\+"[^"]*"?|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|\[[^\]]*\]?|\{[^}]*\}?|[^\s"'\\&,;<>{}[\]]+)/g

const XML_ELEMENT = /<([A-Za-z][\w:.-]{0,60})((?:\s[^<>]{0,200})?>)((?:<!\[CDATA\[)?[^<]+)/g

/** Secrets that are known by their own look. The first group stays. */
const SHAPES: readonly RegExp[] = [
  /\b(Authorization["']?[ \t]{0,4}[:=][ \t]{0,4})[^\s"'\\][^\n"'\\]*/gi,
  /\b((?:Bearer|Basic)[ \t]{1,4})[\w~+/.=-]{8,}/gi,
  /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:@/"]{0,100}:)[^\s@/"]{1,200}(?=@)/gi,
  /(?<![\w-])()eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
  /(-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----)[^-]+/g,
]

const HARMLESS = /^(?:true|false|null|undefined|none|\[redacted\]|bearer|basic|\\*(["'])\\*\1|[[{][\]}])$/i

/** Takes secrets out of text that is not JSON: logs, settings, URLs, XML. Linear in its length. */
export function redactText(text: string): RedactedText {
  let redacted = 0
  const hide = (kept: string, tail = '') => {
    redacted += 1
    return `${kept}${SECRET_SHOWN}${tail}`
  }
  // Shapes first: what is behind "Authorization: Bearer" would look like a text that follows a value.
  const shaped = SHAPES.reduce((done, shape) => done.replace(shape, (_, kept: string) => hide(kept)), text)
  const clean = shaped
    .replace(XML_ELEMENT, (all, name: string, rest: string) => (isSecretName(name) ? hide(`<${name}${rest}`) : all))
    .replace(ASSIGNED, (all, name: string, between: string, value: string) => {
      if (!isSecretName(name) || HARMLESS.test(value)) return all
      const quote = (end: RegExp) => end.exec(value)?.[0] ?? ''
      return hide(`${name}${between}${quote(/^\\*["']/)}`, quote(/(?<!\\)\\*["']$/))
    })
  return { text: clean, redacted }
}
