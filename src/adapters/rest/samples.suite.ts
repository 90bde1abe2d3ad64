import { setImmediate as turn } from 'node:timers/promises'
import { z } from 'zod'
import { createMetrics } from '../../kernel/metrics.ts'
import { createIdentity, hashToken } from '../../kernel/identity.ts'
import { operation } from '../../kernel/operation.ts'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import { testDoor } from '../../testing/hub.ts'
import { quotaHeaders } from '../../kernel/rate-limit-headers.ts'
import { createAuthenticate } from '../http/authenticate.ts'
import { createAddressOf } from '../http/client-address.ts'
import { problemResponse } from '../http/problem.ts'
import { readJson } from '../http/read-json.ts'
import { createRest, type RestOptions } from './rest.ts'

/** Operations of every shape that REST has to carry, and a REST around them; for the tests of this folder. */

export const TOKEN = 'owner-token'
export const READER_TOKEN = 'reader-token'

const Kind = z.enum(['lamp', 'sensor'])
const Node: z.ZodObject = z.object({
  name: z.string(),
  get children() {
    return z.array(Node).optional()
  },
})

const list = operation()({
  name: 'devices.list_devices',
  summary: 'List devices.',
  scope: 'devices:read',
  effect: 'read',
  route: { method: 'GET', path: '/devices' },
  input: z.object({
    kind: Kind.optional().describe('Only this kind'),
    tags: z.array(z.string()).optional(),
    levels: z.array(z.int()).optional(),
    limit: z.int().min(1).default(50),
    online: z.boolean().optional(),
    room: z.string().nullable().optional(),
    where: z.object({ floor: z.int() }).optional(),
    either: z.union([z.int(), z.boolean()]).optional(),
  }),
  output: z.object({ asked: z.record(z.string(), z.unknown()) }),
  handler: async ({ ...asked }) => ({ asked }),
})

const get = operation()({
  name: 'devices.get_device',
  summary: 'One device.',
  scope: 'devices:read',
  effect: 'read',
  route: { method: 'GET', path: '/devices/{id}' },
  input: z.object({ id: z.string(), detail: z.boolean().optional() }),
  output: z.object({ id: z.string(), detail: z.boolean() }),
  async handler({ id, detail = false }) {
    if (id === 'ghost') throw new Fault('not_found', 'No device called ghost.', { hint: 'List the devices.' })
    return { id, detail }
  },
})

const update = operation()({
  name: 'devices.update_device',
  summary: 'Change a device.',
  scope: 'devices:write',
  effect: 'write',
  route: { method: 'PUT', path: '/devices/{id}' },
  input: z.object({ id: z.int(), name: z.string().optional(), tree: Node.optional() }),
  output: z.object({ id: z.int(), name: z.string().optional() }),
  handler: async ({ id, name }) => ({ id, ...(name !== undefined && { name }) }),
})

const remove = operation()({
  name: 'devices.remove_device',
  summary: 'Remove a device.',
  scope: 'devices:write',
  effect: 'destructive',
  route: { method: 'DELETE', path: '/devices/{id}' },
  input: z.object({ id: z.string(), force: z.boolean().default(false) }),
  output: z.object({ id: z.string(), force: z.boolean() }),
  handler: async (input) => input,
})

const commands = operation()({
  name: 'manager.list_commands',
  summary: 'Commands that wait.',
  scope: null,
  effect: 'read',
  route: { method: 'GET', path: '/devices/commands' },
  input: z.object({}),
  output: z.object({ commands: z.array(z.string()) }),
  handler: async () => ({ commands: [] }),
})

const count = operation()({
  name: 'test.count_up',
  summary: 'Counts, and says so.',
  description: 'For streams.',
  scope: null,
  effect: 'read',
  streams: true,
  input: z.object({ to: z.int().default(3), fail: z.boolean().default(false), part: z.string().optional() }),
  output: z.object({ counted: z.int() }),
  async handler({ to, fail, part }, { emit, log }) {
    for (let progress = 1; progress <= to; progress++) {
      emit({ progress, total: to, ...(part !== undefined && { data: part }) })
      if (progress % 100 === 0) await turn()
    }
    log.info('counted', { secret: 'inner detail' })
    if (fail) throw new Error('SELECT password FROM people')
    return { counted: to }
  },
})

const hang = operation()({
  name: 'test.wait_forever',
  summary: 'Waits until it is told to stop.',
  scope: null,
  effect: 'write',
  input: z.object({}),
  output: z.object({}),
  handler: (_, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
})

const echo = operation()({
  name: 'test.echo',
  summary: 'Gives back what it got.',
  scope: 'test:read',
  effect: 'read',
  input: z.object({ value: z.json() }),
  output: z.object({ value: z.json() }),
  handler: async ({ value }) => ({ value }),
})

export const samples = [list, get, update, remove, commands, count, hang, echo].map((one) => one.bind({}))

export function sampleRest(options: Partial<RestOptions> & Parameters<typeof testDoor>[1] = {}) {
  const door = testDoor(samples, options)
  const identity = createIdentity(TOKEN)
  identity.addSource(({ hash }) => readers.get(hash))
  const rest = createRest({
    registry: door.registry,
    invoke: door.invoke,
    log: silentLog,
    version: '1.2.3',
    authenticate: createAuthenticate(identity),
    readJson: (request) => readJson(request),
    problem: problemResponse,
    addressOf: createAddressOf(() => false),
    quota: (caller) => {
      const left = door.quotaOf(caller)
      return left && quotaHeaders(left)
    },
    metrics: () => createMetrics().exposition(),
    ...options,
  })
  /** Asks with the owner's token unless `headers` say otherwise. */
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    rest(
      new Request(`http://localhost${path}`, {
        method,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )
  return { rest, ask, door, identity }
}

const readers = new Map([
  [hashToken(READER_TOKEN), { id: 'reader', name: 'reader', scopes: ['devices:read', 'test:read'] }],
])
