import { Fault } from '../../kernel/fault.ts'

/** Characters, and bytes of UTF-8: longer ones would only keep the hub busy. */
const SHORTEST = 10
export const LONGEST_BYTES = 1024

const FEWEST_DIFFERENT = 5

/** Of the passwords that are long enough those that are guessed first. */
const WORST: ReadonlySet<string> = new Set(
  (
    'password12 password123 password1234 password12345 passw0rd123 p@ssw0rd123 passwort12 ' +
    'passwort123 passwort1234 hallo12345 hallo123456 qwertyuiop qwerty12345 qwerty123456 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc ' +
    'qwertzuiop qwertz12345 asdfghjkl1 asdfghjklö asdf123456 zaq12wsxcde iloveyou12 iloveyou123 welcome123 welcome1234 ' +
    'willkommen willkommen1 willkommen123 letmein123 letmein1234 changeme12 changeme123 administrator admin12345 admin123456 ' +
    'abcdefghij abc1234567 abcd123456 abc123abc123 football123 baseball123 sunshine123 princess123 dragon12345 superman123 ' +
    'trustno1234 1234567890 12345678910 123456789a 0123456789 0987654321 9876543210 1234512345 1122334455 123123123123 ' +
    'homeassistant smarthome1 smarthome123'
  ).split(' '),
)

/** Throws Fault `invalid_input`, without a word of the password. */
export function checkPassword(password: string, name: string): void {
  const problem = problemOf(password, name)
  if (problem === undefined) return
  throw new Fault('invalid_input', `This password ${problem}.`, {
    hint: 'Take a few words that only you put together; spaces are fine.',
  })
}

function problemOf(password: string, name: string): string | undefined {
  if (isTooLong(password)) return `is longer than ${LONGEST_BYTES} bytes`
  const text = password.normalize('NFKC')
  const characters = Array.from(text)
  if (characters.length < SHORTEST) return `has fewer than ${SHORTEST} characters`
  if (/\p{Cc}/u.test(text)) return 'has a character that no keyboard sends'
  const lower = text.toLowerCase()
  if (WORST.has(lower) || new Set(characters).size < FEWEST_DIFFERENT) return 'is among the first that are guessed'
  return isMadeOfName(lower, name) ? 'is little more than the name' : undefined
}

/** Looked at before anything is done with it. */
export const isTooLong = (password: string): boolean =>
  password.length > LONGEST_BYTES || Buffer.byteLength(password) > LONGEST_BYTES

/** The name, once or again and again, and nothing else but digits and signs. */
function isMadeOfName(password: string, name: string): boolean {
  const letters = password.replaceAll(/\P{L}/gu, '')
  const own = name.replaceAll(/\P{L}/gu, '')
  return own !== '' && letters !== '' && letters.replaceAll(own, '') === ''
}
