import { FAULTS, type FaultCode } from '../../kernel/fault.ts'

type Json = Record<string, unknown>

const ALL = Object.keys(FAULTS) as FaultCode[]

/** What a call at its own address can end with: a client that follows the description meets no 405, and no 499. */
export const OF_ANY_CALL: readonly FaultCode[] = ALL.filter(
  (code) => code !== 'method_not_allowed' && code !== 'cancelled',
)

/** Problem details (RFC 9457) with the hub's own members. */
export const PROBLEM_SCHEMA: Json = {
  type: 'object',
  description: 'What failed, and what to do about it (RFC 9457).',
  properties: {
    type: { type: 'string', format: 'uri-reference', description: 'Where the meaning of the code is explained.' },
    title: { type: 'string', description: 'What the code means.' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What failed.' },
    instance: { type: 'string', format: 'uri', description: 'The id of the request, as the log of the hub has it.' },
    code: { type: 'string', enum: ALL },
    hint: { type: 'string', description: 'What to do about it.' },
    retryable: { type: 'boolean', description: 'Whether the same call may simply be made again later.' },
    retry_after_ms: { type: 'number', minimum: 0, description: 'Milliseconds until then.' },
    details: { type: 'object', description: 'Facts for programs.' },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'retryable'],
}

/** Headers that some statuses promise. */
const HEADERS_OF: Readonly<Record<number, Json>> = {
  401: { 'WWW-Authenticate': { description: 'RFC 6750.', schema: { type: 'string' } } },
  403: { 'WWW-Authenticate': { description: 'RFC 6750, where a scope is missing.', schema: { type: 'string' } } },
  429: { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } },
  503: { 'Retry-After': { description: 'Seconds, where known.', schema: { type: 'integer' } } },
}

const statusesOf = (codes: readonly FaultCode[]) =>
  [...new Set(codes.map((code) => FAULTS[code].status))].sort((a, b) => a - b)

/** One reusable response a status. */
export const PROBLEM_RESPONSES: Json = Object.fromEntries(
  statusesOf(OF_ANY_CALL).map((status) => [
    `Problem${status}`,
    {
      description: ALL.filter((code) => FAULTS[code].status === status)
        .map((code) => `\`${code}\`: ${FAULTS[code].means}`)
        .join(' '),
      ...(HEADERS_OF[status] && { headers: HEADERS_OF[status] }),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  ]),
)

/** References to those responses, by status. */
export const problemResponsesOf = (codes: readonly FaultCode[]): Json =>
  Object.fromEntries(
    statusesOf(codes).map((status) => [String(status), { $ref: `#/components/responses/Problem${status}` }]),
  )
