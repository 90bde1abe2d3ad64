import { isObject, RpcError, unknownMethod, type Params } from '../../kernel/mcp/message.ts'
import { RPC } from '../../kernel/mcp/protocol.ts'
import { readElements, readMembers, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import type { Provider } from '../../kernel/registry.ts'
import { askTarget } from './ask-target.ts'
import type { Exchange } from './exchange.ts'
import type { McpServer } from './server.ts'

/** All tasks, one server after the other: a page is one server's own, and the cursor says whose comes next. */
export async function listTasks(server: McpServer, params: Params, exchange: Exchange): Promise<JsonText> {
  const { view } = exchange.client
  const providers = view.providers().filter(listsTasks)
  const [first] = providers
  if (!first) throw unknownMethod('tasks/list')
  const { id, cursor } = readCursor(params['cursor'], first.id)
  const at = providers.findIndex((provider) => provider.id === id)
  const provider = providers[at]
  if (!provider) throw new RpcError(RPC.invalidParams, 'Invalid params: this cursor is not from this list.')
  const { cursor: _, ...rest } = params
  const text = readMembers(exchange.params)
  text.delete('cursor')
  if (cursor !== undefined) text.set('cursor', JSON.stringify(cursor))
  const own = {
    method: 'tasks/list',
    params: { ...rest, ...(cursor !== undefined && { cursor }) },
    text: writeMembers(text),
  }
  const page = readMembers(await askTarget(server, { provider }, own, exchange))
  const tasks = page.get('tasks')
  if (tasks !== undefined)
    page.set(
      'tasks',
      withoutOthers(tasks, (id) => server.tasks.isOfAnother(id, exchange.caller, provider.id)),
    )
  const more = page.get('nextCursor')
  const next = providers[at + 1]
  page.delete('nextCursor')
  if (more !== undefined) page.set('nextCursor', writeCursor(id, JSON.parse(more)))
  else if (next) page.set('nextCursor', writeCursor(next.id))
  return writeMembers(page)
}

/** 2025-11-25, tasks, "Security": a server that takes the hub for one client lists everybody's tasks. */
function withoutOthers(tasks: JsonText, isOfAnother: (taskId: unknown) => boolean): JsonText {
  if (!tasks.startsWith('[')) return tasks
  const own = readElements(tasks).filter((text) => {
    const task: unknown = JSON.parse(text)
    return !isObject(task) || !isOfAnother(task['taskId'])
  })
  return `[${own.join(',')}]`
}

const listsTasks = ({ offers }: Provider): boolean => {
  const tasks = offers?.capabilities['tasks']
  return isObject(tasks) && isObject(tasks['list'])
}

const writeCursor = (...parts: unknown[]): JsonText =>
  JSON.stringify(Buffer.from(JSON.stringify(parts)).toString('base64url'))

function readCursor(cursor: unknown, first: string): { id: string; cursor?: string } {
  if (cursor === undefined) return { id: first }
  if (typeof cursor !== 'string') return { id: '' }
  try {
    const [id, own] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    return { id: String(id), ...(typeof own === 'string' && { cursor: own }) }
  } catch {
    return { id: '' }
  }
}
