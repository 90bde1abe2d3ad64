import { nestsDeeper } from './json.ts'

/**
 * V8 as in Node 26.10 loses count in JSON text that breaks off more than 8191 levels deep; the process crashes at one of the next
 * collections of garbage. 60 kilobytes from a device, a server or a stranger would do.
 */
const DEEPEST = 4096

const parse = JSON.parse
const shielded: typeof JSON.parse = (text, reviver) => {
  // A library may hand over bytes.
  const source = typeof text === 'string' ? text : String(text)
  // Each level takes a character: most texts are too short to nest so deep.
  if (source.length > DEEPEST && nestsDeeper(source, DEEPEST))
    throw new SyntaxError(`JSON nests deeper than ${DEEPEST} levels`)
  return parse(source, reviver)
}

/**
 * Has `JSON.parse` refuse what nests deeper than 4096 levels with a SyntaxError, in the whole process: most of what is parsed is
 * parsed by libraries. What a parser of the hub's own takes is far less; see `readJsonText`.
 */
export function shieldJson(): void {
  JSON.parse = shielded
}
