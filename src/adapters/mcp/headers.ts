import { isObject, type Params, type Request } from '../../kernel/mcp/message.ts'
import { decodeHeaderValue, NAMED_BY } from '../../kernel/mcp/param-headers.ts'
import type { Tool } from '../../kernel/tool.ts'
import type { HttpExchange } from './http-exchange.ts'
import { headerMismatch } from './modern.ts'
import type { View } from './view.ts'

/** The headers that repeat the body must say the same. Throws RpcError -32020 with HTTP status 400. */
export function checkHeaders({ method, params }: Request, http: HttpExchange, view: View): void {
  const says = http.header('mcp-method')
  if (says !== method) throw headerMismatch('Mcp-Method', says, method)
  const field = NAMED_BY[method]
  const name = field && params[field]
  if (typeof name !== 'string') return
  const named = http.header('mcp-name')
  if (named === undefined || decodeHeader(named) !== name) throw headerMismatch('Mcp-Name', named, name)
  if (method === 'tools/call' && view.has(name)) checkParameters(view.find(name).tool, params['arguments'], http)
}

/** Arguments that a tool wants in headers too (2026-07-28, Streamable HTTP, "Custom Headers from Tool Parameters"). */
function checkParameters(tool: Tool, input: unknown, http: HttpExchange): void {
  for (const { header, path } of headersOf(tool)) {
    const value = valueAt(path, input) ?? undefined
    const says = http.header(header.toLowerCase())
    if (value === undefined && says === undefined) continue
    const decoded = says === undefined ? undefined : decodeHeader(says)
    if (!isSame(value, decoded)) throw headerMismatch(header, says, JSON.stringify(value ?? null))
  }
}

function isSame(value: unknown, text: string | undefined): boolean {
  // 42.0 and 42 are the same number.
  if (typeof value === 'number') return text !== undefined && text !== '' && Number(text) === value
  return text === (typeof value === 'string' ? value : JSON.stringify(value)) && value !== undefined
}

interface ParameterHeader {
  readonly header: string
  readonly path: readonly string[]
}

/** Looked for once for each tool: most have none. */
const known = new WeakMap<Tool, readonly ParameterHeader[]>()

function headersOf(tool: Tool): readonly ParameterHeader[] {
  const found = known.get(tool) ?? [...search(tool.inputSchema, [])]
  known.set(tool, found)
  return found
}

/** Only `properties` lead to an annotated argument; one behind anything else makes no header. */
function* search(schema: Params, path: readonly string[]): Generator<ParameterHeader> {
  const { properties } = schema
  if (!isObject(properties) || path.length > DEEPEST) return
  for (const [name, property] of Object.entries(properties)) {
    if (!isObject(property)) continue
    const header = property['x-mcp-header']
    if (typeof header === 'string') yield { header: `Mcp-Param-${header}`, path: [...path, name] }
    yield* search(property, [...path, name])
  }
}

/** Levels of nested arguments. */
const DEEPEST = 16

const valueAt = (path: readonly string[], input: unknown): unknown =>
  path.reduce<unknown>(
    (value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined),
    input,
  )

/** A header's value, without the spaces that may stand around it; undefined when its encoding is malformed. */
export const decodeHeader = (header: string): string | undefined => decodeHeaderValue(header.trim())
