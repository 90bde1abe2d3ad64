/** Parts of names whose values are secrets wherever they stand, without separators and in lower case. */
const PARTS =
  /password|passwd|passphrase|secret|psk|authorization|networkkey|apikey|authkey|privatekey|credential|bearer|token$|^token/

/** Names that are secrets only when they are the whole name: their letters are part of harmless ones. */
const WHOLE = new Set([
  'pass',
  'pwd',
  'pw',
  'pin',
  'pincode',
  'usercode',
  'jwt',
  'cookie',
  'setcookie',
  'masterkey',
  'installcode',
  'wifikey',
  'wlankey',
  'wpakey',
  'wepkey',
  'encryptionkey',
  'sessionkey',
])

/** Tasmota numbers its networks: Password1, Password2. */
const TAIL = /\d$/

/**
 * Whether a text may have a secret in it at all: one fast look that spares most payloads the careful one. Escapes
 * (`\u0070assword`) count, because a JSON parser would find the name behind them.
 */
export const MAY_HAVE_SECRET =
  /pass|secret|psk|auth|key|credential|bearer|token|pwd|pw|pin|code|jwt|cookie|\\u00|:\/\/|eyJ|basic /i

/** Whether what has this name (a JSON member, a setting, the last level of a topic) is a secret. */
export function isSecretName(name: string): boolean {
  // Longer than any name that somebody gives: hostile, or no name.
  if (name.length > 200 || !MAY_HAVE_SECRET.test(name)) return false
  const plain = name
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toLowerCase()
    .replace(TAIL, '')
  return PARTS.test(plain) || WHOLE.has(plain)
}
