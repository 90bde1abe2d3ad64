import { withoutTrailing } from '../../../kernel/trailing.ts'

/** Fewer digits than this always survive (IEEE 754 binary64 holds 15 decimal digits and every integer of them). */
const SAFE_DIGITS = 15
/** The most that `toPrecision` writes. */
const MOST_DIGITS = 100

/** Whether a number as JSON writes it is, digit by digit, what the double of it says. */
export function isExact(source: string): boolean {
  if (source.length <= SAFE_DIGITS && !/e/i.test(source)) return true
  const digits = digitsOf(source)
  if (digits.length > MOST_DIGITS) return false
  const value = Number(source)
  if (!Number.isFinite(value) || (value === 0 && digits !== '')) return false
  return digits === '' || digitsOf(value.toPrecision(digits.length)) === digits
}

/** Without sign, point, exponent and the zeros at both ends: what must not get lost. */
function digitsOf(source: string): string {
  const [mantissa = ''] = source.split(/e/i)
  return withoutTrailing(mantissa.replace(/[-.]/g, '').replace(/^0+/, ''), '0')
}
