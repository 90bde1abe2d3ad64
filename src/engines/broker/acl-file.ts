import { filterCovers, filtersOverlap } from '../../kernel/topic.ts'
import type { Account, Rule } from './access.ts'

export interface AclFile {
  readonly text: string
  /** What the form cannot say, and is not allowed therefore. */
  readonly left: readonly string[]
}

interface Said {
  readonly lines: Set<string>
  readonly left: string[]
}

/**
 * Accounts as Mosquitto's access file. It has no order: a `deny` counts before everything else, for reading and writing alike. So
 * "everything but `alicia/#`" cannot be said there, and whoever may everything gets the roots of the home instead.
 */
export function aclFile(accounts: readonly Account[], roots: readonly string[]): AclFile {
  const left: string[] = []
  const blocks = accounts.map((account) => {
    const lines = linesOf(account, roots, left)
    return [`user ${account.name}`, ...lines, ''].join('\n')
  })
  const patterns = OWN_TOPICS.map((line) => `pattern ${line}`)
  return { text: [HEAD, ...blocks, ...patterns, ''].join('\n'), left }
}

const HEAD = '# Written by `alicia broker config`. Who may write and read what: the last lines are for everybody.\n'

/** Each user's requests to the hub and its answers. Mosquitto lets no `+`, `#` or `/` of a name through here. */
const OWN_TOPICS = ['write alicia/v1/as/%u/req/#', 'read alicia/v1/as/%u/rep/#']

const isOwnTopic = (filter: string, name: string) =>
  filter === `alicia/v1/as/${name}/req/#` || filter === `alicia/v1/as/${name}/rep/#`

function linesOf(account: Account, roots: readonly string[], left: string[]): string[] {
  const said: Said = { lines: new Set(), left: [] }
  const others = (rules: readonly Rule[]) => rules.filter(({ filter }) => !isOwnTopic(filter, account.name))
  say('write', others(account.send), roots, said)
  say('read', others(account.receive), roots, said)
  left.push(...said.left.map((filter) => `${account.name}: ${filter}`))
  return mergedLines(said.lines)
}

function say(verb: 'read' | 'write', rules: readonly Rule[], roots: readonly string[], { lines, left }: Said): void {
  const denied: string[] = []
  for (const { filter, allow } of rules) {
    if (!allow) denied.push(filter)
    else
      for (const one of filter === '#' && denied.length > 0 ? roots : [filter]) {
        if (denied.some((other) => filterCovers(other, one))) continue
        const inTheWay = denied.filter((other) => filtersOverlap(one, other))
        if (isOneLine(one) && inTheWay.every((other) => filterCovers(one, other) && isEvent(other))) {
          lines.add(`${verb} ${one}`)
          for (const other of inTheWay) lines.add(`deny ${other}`)
        } else left.push(one)
      }
  }
}

/** Nobody but the hub writes there: a `deny` of both is none too many. */
const isEvent = (filter: string) => filter.startsWith('alicia/v1/evt/')

/** What ends a line, or is cut off at its end, would say something else there. */
const isOneLine = (filter: string) => filter === filter.trim() && !/\p{Cc}/u.test(filter)

/** `read x` and `write x` are `readwrite x`. */
function mergedLines(said: ReadonlySet<string>): string[] {
  const both = (filter: string) => said.has(`read ${filter}`) && said.has(`write ${filter}`)
  return [...said].flatMap((line) => {
    const space = line.indexOf(' ')
    const verb = line.slice(0, space)
    const filter = line.slice(space + 1)
    if (verb === 'deny' || !both(filter)) return [`topic ${line}`]
    return verb === 'write' ? [`topic readwrite ${filter}`] : []
  })
}
