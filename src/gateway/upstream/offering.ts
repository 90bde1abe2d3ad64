import type { Log } from '../../kernel/log.ts'
import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import type { ToolApproval } from '../../kernel/ports.ts'
import type { Provider } from '../../kernel/registry.ts'
import { TokenBucket } from '../../kernel/token-bucket.ts'
import type { Tool } from '../../kernel/tool.ts'
import type { ListKind } from '../relay/relay-options.ts'
import { fetchLists } from './fetch-lists.ts'
import { freshForMs } from './freshness.ts'
import { HUB_CAPABILITIES } from './hub-face.ts'
import { createKnownLists } from './known-lists.ts'
import { NO_LISTS, type Lists } from './listed.ts'
import { methodsOf } from './methods.ts'
import type { UpstreamParts } from './parts.ts'
import type { HeldTool } from './pins.ts'
import type { Place } from './places.ts'
import { createRefreshes } from './refreshes.ts'
import { toolsOf, type Pass } from './tools.ts'

/** What a server has, as the registry offers it: read from the server, remembered, held back where it changed. */
export interface Offering {
  readonly lists: Lists
  /** Whether it was ever read. */
  readonly isKnown: boolean
  readonly tools: readonly Tool[]
  readonly held: readonly HeldTool[]
  /** Into the registry, as it is known. */
  publish(): void
  /** The server itself said that a list changed. */
  announced(kind: ListKind): void
  /** They may have changed without a word: its clients hear of it if they have. */
  mayHaveChanged(): void
  /** Reads what it lists, now. */
  refresh(): void
  /** Resolves when what was asked for is read. */
  settled(): Promise<void>
  /** Throws Fault `not_found`. */
  approve(approvals: readonly ToolApproval[]): Promise<void>
  close(): Promise<void>
}

export interface OfferingOptions {
  readonly definition: ServerDefinition
  readonly parts: UpstreamParts
  readonly log: Log
  readonly pass: Pass
  place(): Place
}

const REFRESH_LIMIT_MS = 60_000
/** Changes that a server announces where nothing did change: two hubs that have each other would pass them on for ever. */
const ECHOES = { perMinute: 6, burst: 5 }

export function createOffering({ definition, parts, log, pass, place }: OfferingOptions): Offering {
  const { id } = definition
  const { clock, registry, events, memory, clientInfo } = parts
  const known = createKnownLists(definition, memory, { clock, log })
  const closing = new AbortController()
  const methods = methodsOf(id, pass, definition.timeoutMs)
  let tools: Tool[] = []
  let held: HeldTool[] = []
  /** Lists that the server itself said have changed: its clients hear so, whatever is found. */
  const told = new Set<ListKind>()
  const echoes = new TokenBucket(ECHOES)
  let isUnread = false
  let readAtMs = clock.monotonic()

  /** Nobody waits for it: what is known is served, and clients hear of what has changed. */
  const freshen = () => {
    if (clock.monotonic() - readAtMs >= freshForMs(known.lists)) refreshes.announced()
  }

  const provider = (): Provider => {
    const { tools: _tools, serverInfo: _info, ...offers } = known.lists
    return {
      id,
      kind: 'upstream',
      tools,
      offers: { ...offers, methods, freshen },
      report: () => place().group.report(),
    }
  }

  const publish = () => {
    ;({ tools, held } = toolsOf(definition, known.lists.tools, known.pins, pass))
    registry.add(provider())
  }

  const read = async () => {
    readAtMs = clock.monotonic()
    const connection = place()
      .instances.map((instance) => instance.current())
      .find((current) => current !== undefined)
    if (!connection) return
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(REFRESH_LIMIT_MS)])
    const before = known.lists
    const lists = await fetchLists({
      name: id,
      connection,
      face: { clientInfo, capabilities: HUB_CAPABILITIES },
      signal,
      before,
      onRefused: (method, error) => log.warn(`it does not answer ${method}`, { error }),
    })
    const changed = new Set(told)
    told.clear()
    const isNew = await known.learn(lists)
    if ((isNew || (changed.size > 0 && echoes.tryTake(clock.monotonic()))) && !closing.signal.aborted)
      spread(before, changed)
  }

  const spread = (before: Lists, changed: ReadonlySet<ListKind>) => {
    const isSame = (kind: 'tools' | 'prompts' | 'resources' | 'templates') =>
      !changed.has(kind === 'templates' ? 'resources' : kind) &&
      JSON.stringify(before[kind]) === JSON.stringify(known.lists[kind])
    if (isSame('tools')) registry.add(provider())
    else publish()
    if (!isSame('prompts')) events.emit('prompts.changed', { provider: id })
    if (!isSame('resources') || !isSame('templates')) events.emit('resources.changed', { provider: id })
    if (held.length > 0)
      log.warn('tools are held back until a person looks at them', { tools: held.map(({ name }) => name) })
  }

  const refreshes = createRefreshes(clock, async () => {
    try {
      await read()
      isUnread = false
    } catch (error) {
      if (closing.signal.aborted) return true
      log[isUnread ? 'debug' : 'warn']('its lists could not be read', { error })
      isUnread = true
    }
    return !isUnread
  })

  return {
    get lists() {
      return known.lists
    },
    get isKnown() {
      return known.lists !== NO_LISTS
    },
    get tools() {
      return tools
    },
    get held() {
      return held
    },
    publish,
    announced(kind) {
      told.add(kind)
      refreshes.announced()
    },
    mayHaveChanged: () => refreshes.announced(),
    refresh: () => refreshes.now(),
    settled: () => refreshes.settled(),
    async approve(approvals) {
      await known.approve(approvals)
      publish()
    },
    async close() {
      closing.abort()
      await refreshes.close()
    },
  }
}
