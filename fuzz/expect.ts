import { ok } from 'node:assert/strict'
import { Fault, type FaultCode } from '../src/kernel/fault.ts'

/** Between the parts of an input that has several. */
const SEPARATOR = '\u001e'

/** The parts of an input; as many as are wanted, empty where there are fewer. The last takes the rest. */
export function partsOf(input: Buffer, count: number): string[] {
  const parts = input.toString().split(SEPARATOR)
  return Array.from({ length: count }, (_, at) =>
    at === count - 1 ? parts.slice(at).join(SEPARATOR) : (parts[at] ?? ''),
  )
}

export const joined = (parts: readonly string[]): string => parts.join(SEPARATOR)

/** A fault's message is for people, and must not grow with what was sent. */
const LONGEST_MESSAGE = 1000

/** What the parser gave, or undefined where it refused with one of these faults. */
export function faultOr<T>(parse: () => T, ...codes: readonly FaultCode[]): T | undefined {
  try {
    return parse()
  } catch (error) {
    refuseOther(error, codes)
    return undefined
  }
}

export async function faultOrAsync<T>(parse: () => Promise<T>, ...codes: readonly FaultCode[]): Promise<T | undefined> {
  try {
    return await parse()
  } catch (error) {
    refuseOther(error, codes)
    return undefined
  }
}

function refuseOther(error: unknown, codes: readonly FaultCode[]): void {
  if (!(error instanceof Fault) || !codes.includes(error.code)) throw error
  ok(error.message.length <= LONGEST_MESSAGE, `a message of ${error.message.length} characters`)
}

/** What JSON.parse makes of a text; undefined for what is none. The reference that readers of JSON are held against. */
export function jsonOf(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}
