/** Topic names and filters as MQTT 5 §4.7 has them: what is valid, what matches, what covers and overlaps what. */

/** MQTT 5 §1.5.4: a string is carried with a 16-bit length. */
const LONGEST_BYTES = 65_535

/** What is wrong with a topic name to publish to, as words and the clause (MQTT 5 §4.7), or undefined. */
export function topicNameProblem(name: string): string | undefined {
  if (/[+#]/.test(name)) return 'must not contain the wildcards + or # when publishing [MQTT-4.7.0-1]'
  return textProblem(name)
}

/** What is wrong with a topic filter to subscribe to, as words and the clause (MQTT 5 §4.7, §4.8.2), or undefined. */
export function topicFilterProblem(filter: string): string | undefined {
  const share = shareProblem(filter)
  if (share !== undefined) return share
  const levels = withoutShare(filter).split('/')
  if (levels.slice(0, -1).some((level) => level.includes('#')) || /.#$/.test(levels.at(-1) ?? ''))
    return 'must have # only as its whole last level [MQTT-4.7.1-1]'
  if (levels.some((level) => level.length > 1 && level.includes('+')))
    return 'must have + only as a whole level [MQTT-4.7.1-2]'
  return textProblem(filter)
}

function textProblem(text: string): string | undefined {
  if (text === '') return 'must not be empty [MQTT-4.7.3-1]'
  if (text.includes('\0')) return 'must not contain the character NUL [MQTT-4.7.3-2]'
  if (!text.isWellFormed()) return 'must be well-formed Unicode, without lone surrogates [MQTT-1.5.4-1]'
  const bytes = Buffer.byteLength(text)
  if (bytes > LONGEST_BYTES) return `must not be longer than ${LONGEST_BYTES} bytes; it has ${bytes} [MQTT-4.7.3-3]`
  return undefined
}

function shareProblem(filter: string): string | undefined {
  if (!filter.startsWith('$share/')) return undefined
  const [, name = '', ...rest] = filter.split('/')
  if (name === '' || /[+#]/.test(name)) return 'must have a share name without + or # after $share/ [MQTT-4.8.2-1]'
  if (rest.join('/') === '') return 'must have a topic filter after the share name [MQTT-4.8.2-2]'
  return undefined
}

/** The filter that the topics of a shared subscription match: `$share/<name>/<filter>` without its first two levels. */
export function withoutShare(filter: string): string {
  return filter.startsWith('$share/') ? filter.split('/').slice(2).join('/') : filter
}

/**
 * Makes the test whether a topic name matches a valid filter (MQTT 5 §4.7). The usual shapes get a test without
 * splitting the name: it runs for every message that arrives.
 */
export function topicMatcher(filter: string): (name: string) => boolean {
  const pattern = withoutShare(filter)
  // [MQTT-4.7.2-1]: a wildcard at the beginning does not match names that begin with $.
  if (pattern === '#') return (name) => !name.startsWith('$')
  if (!/[+#]/.test(pattern)) return (name) => name === pattern
  const levels = pattern.split('/')
  const hiding = levels[0] === '+'
  if (!pattern.includes('+')) {
    const parent = pattern.slice(0, -2)
    const prefix = pattern.slice(0, -1)
    return (name) => name === parent || name.startsWith(prefix)
  }
  return (name) => !(hiding && name.startsWith('$')) && levelsMatch(levels, name.split('/'))
}

function levelsMatch(filter: readonly string[], name: readonly string[]): boolean {
  for (const [index, level] of filter.entries()) {
    // "sport/#" also matches "sport": the parent level is included.
    if (level === '#') return true
    if (index >= name.length) return false
    if (level !== '+' && level !== name[index]) return false
  }
  return filter.length === name.length
}

/** Whether each topic that `inner` (a filter or a topic) matches is also matched by `outer`. */
export function filterCovers(outer: string, inner: string): boolean {
  const [wide, narrow] = [withoutShare(outer).split('/'), withoutShare(inner).split('/')]
  if (isHidden(wide[0], narrow[0])) return false
  for (const [index, level] of wide.entries()) {
    if (level === '#') return true
    const other = narrow[index]
    if (other === undefined || other === '#') return false
    if (level !== '+' && level !== other) return false
  }
  return wide.length === narrow.length
}

/** Whether some topic name matches both filters (MQTT 5 §4.7). */
export function filtersOverlap(one: string, other: string): boolean {
  const [first, second] = [withoutShare(one).split('/'), withoutShare(other).split('/')]
  if (isHidden(first[0], second[0]) || isHidden(second[0], first[0])) return false
  return levelsOverlap(first, second)
}

function levelsOverlap(first: readonly string[], second: readonly string[]): boolean {
  for (let index = 0; ; index++) {
    const [a, b] = [first[index], second[index]]
    // "sport/#" also matches "sport".
    if (a === '#' || b === '#') return true
    if (a === undefined || b === undefined) return a === b
    if (a !== b && a !== '+' && b !== '+') return false
  }
}

/** [MQTT-4.7.2-1]: a wildcard at the beginning does not match names that begin with $. */
const isHidden = (wildcard = '', level = '') => (wildcard === '#' || wildcard === '+') && level.startsWith('$')
