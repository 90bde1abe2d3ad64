import { sleep } from '../../kernel/clock.ts'
import { isObject, RpcError, type Params, type Request } from '../../kernel/mcp/message.ts'
import { META, RPC } from '../../kernel/mcp/protocol.ts'
import { withMeta, type JsonText } from '../../kernel/mcp/raw.ts'
import type { Exchange } from './exchange.ts'
import type { McpServer } from './server.ts'
import { idText } from './outgoing.ts'
import { WatchList } from './watch-list.ts'

/** How long the acknowledgement waits for those whose resources are asked for: one slow server must not hold up the rest. */
const PATIENCE_MS = 2000
/** Resources, and tasks, of one subscription. */
const MOST_WATCHED = 256

/** What `subscriptions/listen` asks for, as far as the hub has it. */
interface Wanted {
  readonly lists: readonly ('tools' | 'prompts' | 'resources')[]
  readonly uris: readonly string[]
  readonly taskIds: readonly string[]
}

/**
 * Answers `subscriptions/listen` (2026-07-28, patterns, "Subscriptions"): acknowledges, then reports changes until the
 * client cancels or the server shuts down; the result is its graceful end.
 */
export async function listen(server: McpServer, request: Request, exchange: Exchange): Promise<JsonText> {
  const giveBack = server.subscriptions.take(exchange.caller)
  try {
    return await listenOn(server, request, exchange)
  } finally {
    giveBack()
  }
}

async function listenOn(server: McpServer, request: Request, exchange: Exchange): Promise<JsonText> {
  const wanted = readWanted(server, request.params, exchange)
  const subscription = idText(request.exactId)
  const watched = new WatchList(server.watches, exchange.caller)
  // At once where nobody has to be asked: what changes from here on is reported.
  const refused = wanted.uris.length === 0 ? NONE : await watchAll(server, wanted.uris, watched, exchange)
  const uris = wanted.uris.filter((uri) => !refused.has(uri))
  const tell: Tell = (method, params) => exchange.notify(method, withMeta(params, META.subscription, subscription))
  const notifications = {
    ...Object.fromEntries(wanted.lists.map((name) => [`${name}ListChanged`, true])),
    ...(uris.length > 0 && { resourceSubscriptions: uris }),
    ...(wanted.taskIds.length > 0 && { taskIds: wanted.taskIds }),
  }
  tell('notifications/subscriptions/acknowledged', JSON.stringify({ notifications }))
  const stops = [...report(server, wanted, watched, tell)]
  const release = server.tenure.hold(exchange.caller, (why) => exchange.end(why))
  await untilAborted(exchange.controller.signal)
  release()
  for (const stop of stops) stop()
  watched.close()
  return withMeta('{"resultType":"complete"}', META.subscription, subscription)
}

function readWanted(server: McpServer, params: Params, { client, caller }: Exchange): Wanted {
  const wanted = params['notifications']
  if (!isObject(wanted)) throw new RpcError(RPC.invalidParams, 'Invalid params: notifications must be an object.')
  const capabilities = client.view.capabilities(client.revision)
  return {
    lists: (['tools', 'prompts', 'resources'] as const).filter(
      (name) => wanted[`${name}ListChanged`] === true && name in capabilities,
    ),
    uris: 'resources' in capabilities ? textsOf(wanted, 'resourceSubscriptions') : [],
    taskIds: textsOf(wanted, 'taskIds').filter((id) => server.tasks.isOf(id, caller)),
  }
}

function textsOf(wanted: Params, name: string): string[] {
  const texts = wanted[name] ?? []
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string'))
    throw new RpcError(RPC.invalidParams, `Invalid params: ${name} must be a list of strings.`)
  if (texts.length > MOST_WATCHED)
    throw new RpcError(RPC.invalidParams, `Invalid params: ${name} has more than ${MOST_WATCHED} entries.`)
  return texts
}

const NONE: ReadonlySet<string> = new Set()

/** Asks for every resource; returns those that nobody reports. One that takes long counts as agreed to. */
async function watchAll(
  server: McpServer,
  uris: readonly string[],
  watched: WatchList,
  exchange: Exchange,
): Promise<ReadonlySet<string>> {
  const refused = new Set<string>()
  const asked = uris.map(async (uri) => {
    try {
      const own = { method: 'resources/subscribe', params: { uri }, text: JSON.stringify({ uri }) }
      await watched.add(server, own, exchange)
    } catch {
      refused.add(uri)
    }
  })
  const done = new AbortController()
  const late = sleep(server.clock, PATIENCE_MS, done.signal).catch(() => {})
  await Promise.race([Promise.all(asked), late])
  done.abort()
  return refused
}

/** Says something of the subscription. */
type Tell = (method: string, params: JsonText) => void

/** Passes on what was asked for; yields what ends each. */
function* report(
  { events, catalog, tasks }: McpServer,
  { lists, taskIds }: Wanted,
  watched: WatchList,
  tell: Tell,
): Generator<() => void> {
  for (const name of lists) yield events.on(`${name}.changed`, () => tell(`notifications/${name}/list_changed`, '{}'))
  yield events.on('resource.updated', (updated) => {
    const { provider, uri, caller } = updated
    if ((caller !== undefined && caller !== watched.caller.id) || !watched.includes(provider, uri)) return
    tell('notifications/resources/updated', catalog.updateOf(updated))
  })
  yield events.on('mcp.notified', ({ provider, method, params }) => {
    if (method !== 'notifications/tasks') return
    const value: unknown = JSON.parse(params)
    if (!isObject(value) || !taskIds.includes(String(value['taskId']))) return
    if (tasks.isOf(value['taskId'], watched.caller, provider)) tell(method, params)
  })
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
