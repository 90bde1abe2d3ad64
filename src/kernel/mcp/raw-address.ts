import { readMembers, skipString, writeMembers, type JsonText } from './raw.ts'

export type { JsonText } from './raw.ts'

/** Members of results and list entries that hold what a server says of resources; `structuredContent` is a tool's own. */
const SPEAKING = ['content', 'contents', 'messages', '_meta', 'uri', 'uriTemplate', 'task', 'result']

/** The names that addresses stand under: contents and links have `uri`, templates `uriTemplate`, apps `resourceUri` (once `ui/resourceUri`). */
const ADDRESS = /(?<!\\)"(?:uri|uriTemplate|(?:ui\\?\/)?resourceUri)"\s*:\s*(?=")/g

/** The text with these addresses in place of those; everything else keeps its bytes. */
export function replaceAddresses(text: JsonText, addresses: ReadonlyMap<string, string>): JsonText {
  const members = readMembers(text)
  let isChanged = false
  for (const name of SPEAKING) {
    const before = members.get(name)
    if (before === undefined) continue
    // A member with its name, so that one that is an address itself is found like those further down.
    const after = replaceIn(`${JSON.stringify(name)}:${before}`, addresses).slice(JSON.stringify(name).length + 1)
    if (after === before) continue
    members.set(name, after)
    isChanged = true
  }
  return isChanged ? writeMembers(members) : text
}

/** The addresses themselves are not matched: one of ten million characters is more than a regular expression takes. */
function replaceIn(text: JsonText, addresses: ReadonlyMap<string, string>): JsonText {
  let out = ''
  let done = 0
  for (const { 0: name, index } of text.matchAll(ADDRESS)) {
    const start = index + name.length
    const end = skipString(text, start)
    const address = addresses.get(JSON.parse(text.slice(start, end)) as string)
    if (address === undefined) continue
    out += text.slice(done, start) + JSON.stringify(address)
    done = end
  }
  return done === 0 ? text : out + text.slice(done)
}
