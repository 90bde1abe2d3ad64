import { readMembers, writeMembers, type JsonText } from './raw.ts'

export type { JsonText } from './raw.ts'

/** Members of results and list entries that hold what a server says of resources; `structuredContent` is a tool's own. */
const SPEAKING = ['content', 'contents', 'messages', '_meta', 'uri', 'uriTemplate', 'task', 'result']

/** The names that addresses stand under: contents and links have `uri`, templates `uriTemplate`, apps `resourceUri`. */
const ADDRESS = /(?<!\\)"(?:uri|uriTemplate|resourceUri)"\s*:\s*("(?:[^"\\]|\\.)*")/g

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

const replaceIn = (text: JsonText, addresses: ReadonlyMap<string, string>): JsonText =>
  text.replaceAll(ADDRESS, (whole, quoted: string) => {
    const address = addresses.get(JSON.parse(quoted) as string)
    return address === undefined ? whole : whole.slice(0, -quoted.length) + JSON.stringify(address)
  })
