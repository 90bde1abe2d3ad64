import { isIPv6 } from 'node:net'

/** `format` of JSON Schema 2020-12 (Validation §7.3), and `mac`, which it does not have. */
export type StringFormat =
  | 'date-time'
  | 'date'
  | 'time'
  | 'uuid'
  | 'ipv4'
  | 'ipv6'
  | 'mac'
  | 'uri'
  | 'email'
  | 'hostname'

const DATE = '\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])'
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)(?:\\.\\d{1,9})?'
/** Many devices leave the offset out: still a date-time for whoever reads it. */
const OFFSET = '(?:[Zz]|[+-](?:[01]\\d|2[0-3]):?[0-5]\\d)?'

const FORMATS: readonly (readonly [StringFormat, RegExp])[] = [
  ['date-time', new RegExp(`^${DATE}[Tt ]${TIME}${OFFSET}$`)],
  ['date', new RegExp(`^${DATE}$`)],
  ['time', new RegExp(`^${TIME}${OFFSET}$`)],
  ['uuid', /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i],
  ['mac', /^[\da-f]{2}(?:([:-])[\da-f]{2})(?:\1[\da-f]{2}){4}(?:(?:\1[\da-f]{2}){2})?$/i],
  ['ipv4', /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/],
  ['uri', /^[a-z][a-z\d+.-]{1,20}:\/\/[^\s]+$/i],
  ['email', /^[^\s@]{1,64}@[a-z\d-]{1,63}(?:\.[a-z\d-]{1,63})+$/i],
  // With a top-level name of letters; `1.2.3` and `tasmota.bin` alike would be more often wrong than right without.
  ['hostname', /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+(?:local|lan|home|internal|arpa|com|org|net|io|de|eu|uk)$/i],
]

const SHORTEST = 5
const LONGEST = 2048

/** The most specific format that the text has, or undefined. */
export function stringFormat(text: string): StringFormat | undefined {
  if (text.length < SHORTEST || text.length > LONGEST || !/[:.@-]/.test(text)) return undefined
  return FORMATS.find(([, pattern]) => pattern.test(text))?.[0] ?? (isIPv6(text) ? 'ipv6' : undefined)
}
