import type { JsonText } from './raw.ts'

/** A thing as another MCP server describes it in a list. */
export interface Described {
  readonly value: Readonly<Record<string, unknown>>
  /** The same as that server wrote it, where writing the value anew would say something else: a number that no double holds. */
  readonly text?: JsonText
}
