import type { Catalog } from '../../kernel/mcp/catalog.ts'
import { isObject } from '../../kernel/mcp/message.ts'
import { MODERN_REVISION, since, type Revision } from '../../kernel/mcp/protocol.ts'
import { readMembers, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import type { Entry } from '../../kernel/registry.ts'
import type { JsonSchema, Tool } from '../../kernel/tool.ts'

/** A tool as `tools/list` has it: another server's in that server's own words, but for its name. */
export function describeTool({ name, tool, provider }: Entry, revision: Revision, catalog: Catalog): JsonText {
  if (!tool.mcp) return JSON.stringify(describeOwn(name, tool, revision))
  const { value, text } = tool.mcp
  const isTaken = takesOutputSchema(value['outputSchema'], revision)
  return catalog.exposeAddresses(
    provider.id,
    text === undefined ? write(value, name, isTaken) : rewrite(text, name, isTaken),
  )
}

function write(value: Readonly<Record<string, unknown>>, name: string, isTaken: boolean): JsonText {
  const described: Record<string, unknown> = { ...value, name }
  if (!isTaken) delete described['outputSchema']
  return JSON.stringify(described)
}

function rewrite(text: JsonText, name: string, isTaken: boolean): JsonText {
  const members = readMembers(text).set('name', JSON.stringify(name))
  if (!isTaken) members.delete('outputSchema')
  return writeMembers(members)
}

function describeOwn(name: string, tool: Tool, revision: Revision): object {
  return {
    name,
    ...(since(revision, '2025-06-18') && { title: titleOf(name) }),
    description: tool.description === undefined ? tool.summary : `${tool.summary} ${tool.description}`,
    inputSchema: tool.inputSchema,
    ...(since(revision, '2025-06-18') && outputSchemaOf(tool)),
    ...(since(revision, '2025-03-26') && { annotations: annotationsOf(tool) }),
  }
}

/** `publish_message` → `Publish message`. */
const titleOf = (name: string) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')

/** Until 2025-11-25 the root had to be an object; clients refuse a whole list for one schema that has another. */
const takesOutputSchema = (schema: unknown, revision: Revision): boolean =>
  isObject(schema) && (revision === MODERN_REVISION || schema['type'] === 'object')

function outputSchemaOf({ outputSchema }: Tool): { outputSchema?: JsonSchema } {
  return outputSchema?.['type'] === 'object' ? { outputSchema } : {}
}

function annotationsOf(tool: Tool) {
  return {
    readOnlyHint: tool.effect === 'read',
    destructiveHint: tool.effect === 'destructive',
    idempotentHint: tool.idempotent,
    openWorldHint: tool.openWorld,
  }
}
