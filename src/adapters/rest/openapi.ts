import type { Entry } from '../../kernel/registry.ts'
import type { JsonSchema } from '../../kernel/tool.ts'
import { OF_ANY_CALL, PROBLEM_RESPONSES, problemResponsesOf, PROBLEM_SCHEMA } from './openapi-problems.ts'
import { createShelf, type SchemaShelf } from './openapi-schema.ts'
import { preferredAddress } from './routes.ts'

export interface OpenapiOptions {
  entries: readonly Entry[]
  version: string
  /** Where the API is; the server the description came from when absent. */
  serverUrl?: string
}

type Json = Record<string, unknown>

/** The REST API as an OpenAPI 3.1 document. The same entries give the same document, byte for byte. */
export function openapi({ entries, version, serverUrl = '/' }: OpenapiOptions): Json {
  const shelf = createShelf()
  shelf.put('Problem', PROBLEM_SCHEMA)
  const paths: Record<string, Json> = { '/metrics': { get: METRICS } }
  for (const entry of entries) {
    const { method, path } = preferredAddress(entry)
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(entry, shelf) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Alicia',
      version,
      summary: 'Every operation of this hub.',
      description: ABOUT,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl }],
    tags: [...new Set([...entries.map(({ provider }) => provider.id), 'hub'])].sort().map((name) => ({ name })),
    paths: sorted(paths),
    components: {
      schemas: sorted(shelf.schemas),
      responses: PROBLEM_RESPONSES,
      headers: { 'X-Request-Id': REQUEST_ID },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The access token; `alicia token` prints it.' },
      },
    },
  }
}

const REQUEST_ID: Json = {
  description: 'Under which the hub logs the call.',
  schema: { type: 'string', format: 'uuid' },
}

const ABOUT = [
  'Each operation can also be called as `POST /api/<service>/<operation>` with its whole input as the body.',
  'With `Accept: text/event-stream` any operation answers with server-sent events: `progress` and `log` while it',
  'runs, then one `result` or `fault`. `X-Request-Timeout-Ms` or `Prefer: wait=<seconds>` shortens how long a call',
  'may take; closing the connection cancels it. Errors are problem details (RFC 9457).',
].join(' ')

function operationOf(entry: Entry, shelf: SchemaShelf): Json {
  const { tool, provider, name } = entry
  return {
    operationId: name,
    tags: [provider.id],
    summary: tool.summary,
    ...(tool.description !== undefined && { description: tool.description }),
    ...inputOf(entry, shelf),
    responses: responsesOf(entry, shelf),
    security: tool.scope === null ? [] : [{ bearer: [tool.scope] }],
    'x-alicia': {
      operation: tool.name,
      scope: tool.scope,
      effect: tool.effect,
      idempotent: tool.idempotent,
      streams: tool.streams,
    },
  }
}

function inputOf(entry: Entry, shelf: SchemaShelf): Json {
  const schemaName = `${entry.name}.input`
  const { method, path } = preferredAddress(entry)
  const schema = entry.tool.inputSchema
  const reference = shelf.put(schemaName, schema)
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>
  const required = new Set((schema['required'] ?? []) as string[])
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, input = '']) => input)
  const hasBody = method === 'POST' || method === 'PUT'
  const parameters = [
    ...inPath.map((input) => parameter('path', input, properties[input] ?? {})),
    ...Object.keys(hasBody ? {} : properties)
      .filter((input) => !inPath.includes(input))
      .map((input) => ({ ...parameter('query', input, properties[input] ?? {}), required: required.has(input) })),
  ].map((made) => shelf.rewrite(schemaName, made))
  return {
    ...(parameters.length > 0 && { parameters }),
    ...(hasBody && {
      requestBody: {
        required: [...required].some((input) => !inPath.includes(input)),
        content: {
          'application/json': {
            schema: inPath.length === 0 ? reference : shelf.rewrite(schemaName, without(schema, inPath)),
          },
        },
      },
    }),
  }
}

function parameter(place: 'path' | 'query', name: string, schema: JsonSchema): Json {
  const { description, ...rest } = schema
  return { name, in: place, required: true, ...(description !== undefined && { description }), schema: rest }
}

/** The schema of the body where some inputs stand in the path. */
function without({ $defs: _, ...schema }: JsonSchema, names: readonly string[]): JsonSchema {
  const properties = Object.entries((schema['properties'] ?? {}) as Json).filter(([name]) => !names.includes(name))
  const required = ((schema['required'] ?? []) as string[]).filter((name) => !names.includes(name))
  return { ...schema, properties: Object.fromEntries(properties), ...('required' in schema && { required }) }
}

function responsesOf({ name, tool }: Entry, shelf: SchemaShelf): Json {
  const result = tool.outputSchema ? shelf.put(`${name}.output`, tool.outputSchema) : {}
  const events = { schema: { type: 'string', description: 'Events: progress, log, then one result or fault.' } }
  return {
    '200': {
      description: 'The result.',
      headers: { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } },
      content: {
        'application/json': { schema: result },
        ...(tool.streams && { 'text/event-stream': events }),
      },
    },
    ...problemResponsesOf(OF_ANY_CALL),
  }
}

/** Only the order of names: what stands under them has its own. */
const sorted = (record: Readonly<Record<string, unknown>>): Json =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))

const METRICS: Json = {
  operationId: 'hub.metrics',
  tags: ['hub'],
  summary: 'What the hub counts, in the text format of Prometheus.',
  responses: {
    '200': { description: 'The metrics.', content: { 'text/plain': { schema: { type: 'string' } } } },
    ...problemResponsesOf(['unauthenticated', 'forbidden', 'internal']),
  },
  security: [{ bearer: ['metrics:read'] }],
}
