import { Fault } from '../../kernel/fault.ts'
import { isForAppAlone } from '../../kernel/mcp/apps.ts'
import { isObject } from '../../kernel/mcp/message.ts'
import { paramHeadersOf } from '../../kernel/mcp/param-headers.ts'
import { readMember, readMembers, withMembers, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { ServerDefinition, ToolOverride } from '../../kernel/mcp/server-definition.ts'
import type { CallContext, Effect, JsonSchema, Tool } from '../../kernel/tool.ts'
import { namesIt } from '../../kernel/name-pattern.ts'
import type { ListedTool } from './listed.ts'
import { neutralResult } from './neutral.ts'
import { held, type HeldTool, type Pin } from './pins.ts'

/** Passes one request on to the upstream; `params` hold the upstream's own names. */
export type Pass = (request: PassedRequest, context: CallContext) => Promise<RelayedResult>

export interface PassedRequest {
  readonly method: string
  readonly params: JsonText
  /** The tool whose description says which arguments are also headers (2026-07-28, Streamable HTTP). */
  readonly tool?: ListedTool
  /** Safe to ask twice, or somebody else. */
  readonly repeatable: boolean
  /** It changes nothing: two may be asked at once. */
  readonly isRead: boolean
}

/** Whether a definition offers this tool at all. */
export const isOffered = ({ allowTools, denyTools }: ServerDefinition, name: string): boolean =>
  (allowTools === undefined || namesIt(allowTools, name)) && !namesIt(denyTools, name)

/** The tools of an upstream as the hub offers them: filtered, overridden; one that changed is held back. */
export function toolsOf(
  definition: ServerDefinition,
  listed: readonly ListedTool[],
  pins: ReadonlyMap<string, Pin>,
  pass: Pass,
): { tools: Tool[]; held: HeldTool[] } {
  const holds: HeldTool[] = []
  const tools = listed
    .filter((tool) => isOffered(definition, tool.name) && isCallable(definition, tool))
    .map((tool) => {
      const hold = held(tool, pins.get(tool.name), definition)
      if (!hold) return toolOf(definition, tool, pass)
      holds.push(hold)
      return { ...toolOf(definition, tool, pass), listed: false, run: () => refuse(definition.id, hold) }
    })
  return { tools, held: holds }
}

/** 2026-07-28, Streamable HTTP: a tool whose arguments could not be sent as headers is not offered. */
const isCallable = ({ replicas }: ServerDefinition, { value }: ListedTool): boolean =>
  !replicas.some(({ transport }) => transport.kind === 'http') || paramHeadersOf(value['inputSchema']) !== undefined

function toolOf(definition: ServerDefinition, tool: ListedTool, pass: Pass): Tool {
  const { id } = definition
  const override: ToolOverride = definition.overrides.get(tool.name) ?? {}
  const { name = tool.name, arguments: fixed, timeoutMs = definition.timeoutMs } = override
  const inputSchema = withoutFixed(isObject(tool.value['inputSchema']) ? tool.value['inputSchema'] : {}, fixed)
  const character = characterOf(tool, override)
  const changed = changesOf(tool, override, fixed && inputSchema)
  const value = { ...tool.value, ...changed }
  const { description, outputSchema } = value
  const quoted = JSON.stringify(tool.name)
  return {
    name: `${id}.${name}`,
    summary: typeof description === 'string' && description !== '' ? description : name,
    scope: `mcp:${id}`,
    ...character,
    streams: false,
    progressExtends: true,
    heedsSignal: true,
    inputSchema,
    ...(isObject(outputSchema) && { outputSchema }),
    ...(isForAppAlone(tool.value) && { forAppAlone: true }),
    mcp: { value, ...(tool.text !== undefined && { text: withMembers(tool.text, changed) }) },
    ...(timeoutMs !== undefined && { timeoutMs: () => timeoutMs }),
    parse(input) {
      if (input === undefined || isObject(input)) return input ?? {}
      throw new Fault('invalid_input', `${id}.${name}: the arguments must be an object.`)
    },
    // What it answers is checked by whoever asked: the hub passes on what it does not understand.
    checkOutput: () => {},
    run(input, context) {
      const { peer } = context
      const params = peer
        ? fromPeer(peer.params, quoted, fixed)
        : JSON.stringify({ name: tool.name, arguments: { ...(input as object), ...fixed } })
      const { idempotent: repeatable, effect } = character
      const passed = pass({ method: 'tools/call', params, tool, repeatable, isRead: effect === 'read' }, context)
      return peer ? passed : passed.then((result) => neutralResult(id, result))
    },
  }
}

/** What the tool does to the world, by its own annotations where the definition does not know better. */
function characterOf({ value }: ListedTool, override: ToolOverride): Pick<Tool, 'effect' | 'idempotent' | 'openWorld'> {
  const annotations = isObject(value['annotations']) ? value['annotations'] : {}
  const effect = override.effect ?? effectOf(annotations)
  return {
    effect,
    idempotent: effect === 'read' || (override.idempotent ?? annotations['idempotentHint'] === true),
    openWorld: annotations['openWorldHint'] !== false,
  }
}

/** What the definition changes of the upstream's own description. */
const changesOf = (
  { name }: ListedTool,
  override: ToolOverride,
  inputSchema: JsonSchema | undefined,
): Readonly<Record<string, unknown>> => ({
  name: override.name ?? name,
  ...(override.description !== undefined && { description: override.description }),
  ...(inputSchema !== undefined && { inputSchema }),
})

/**
 * The client's own words, with the tool's own name (as JSON). Read member by member even where nothing changes: a name that stands
 * twice would be checked as one tool and might be called as another.
 */
function fromPeer(params: JsonText, quoted: JsonText, fixed: Readonly<Record<string, unknown>> | undefined): JsonText {
  if (fixed === undefined && readMember(params, 'name') === quoted) return params
  const members = readMembers(params)
  members.set('name', quoted)
  if (fixed === undefined) return writeMembers(members)
  const given = readMembers(members.get('arguments') ?? '{}')
  for (const [key, value] of Object.entries(fixed)) given.set(key, JSON.stringify(value))
  members.set('arguments', writeMembers(given))
  return writeMembers(members)
}

/** MCP, ToolAnnotations: a tool that says nothing may destroy something. */
function effectOf(annotations: Readonly<Record<string, unknown>>): Effect {
  if (annotations['readOnlyHint'] === true) return 'read'
  return annotations['destructiveHint'] === false ? 'write' : 'destructive'
}

/** Arguments that the hub sets itself are not the caller's to see. */
function withoutFixed(schema: JsonSchema, fixed: Readonly<Record<string, unknown>> | undefined): JsonSchema {
  if (fixed === undefined) return schema
  const isFree = (name: string) => !Object.hasOwn(fixed, name)
  const { properties, required } = schema
  return {
    ...schema,
    ...(isObject(properties) && {
      properties: Object.fromEntries(Object.entries(properties).filter(([name]) => isFree(name))),
    }),
    ...(Array.isArray(required) && { required: required.filter((name) => typeof name === 'string' && isFree(name)) }),
  }
}

async function refuse(id: string, { name, why, approvedAtMs }: HeldTool): Promise<never> {
  const since = approvedAtMs === undefined ? '' : ` since it was approved on ${new Date(approvedAtMs).toISOString()}`
  throw new Fault('conflict', `${id}.${name} is held back: it ${why === 'new' ? 'is new' : `changed${since}`}.`, {
    hint: `A person has to look at it: \`alicia review ${id}\` shows what changed, \`alicia approve ${id}\` lets it through.`,
    details: { provider: id, tool: name, why },
  })
}
