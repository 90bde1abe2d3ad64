import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import type { Call, Invoke } from '../../kernel/invoke.ts'
import { peerLog } from '../../kernel/mcp/peer-log.ts'
import { peerWith } from '../../kernel/mcp/peer-with.ts'
import { readMembers, writeMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { nearest } from '../../kernel/nearest.ts'
import { operation } from '../../kernel/operation.ts'
import type { Entry } from '../../kernel/registry.ts'
import type { CallContext } from '../../kernel/tool.ts'
import { visibleEntries, visibleTo, type Looking } from './visible.ts'

export interface CallDeps extends Looking {
  readonly invoke: Invoke
}

/** The tool that is called has a time limit of its own, which is the one that counts. */
const NO_LIMIT_MS = 86_400_000

export const callTool = operation<CallDeps>()({
  name: 'catalog.call_tool',
  summary: 'Calls a tool that find_tools found.',
  description:
    'Also tools that are named elsewhere and do not stand in your list. The result is that of the tool itself.',
  scope: null,
  // It does whatever the tool does.
  effect: 'destructive',
  passesOn: true,
  openWorld: true,
  timeoutMs: NO_LIMIT_MS,
  input: z.object({
    name: z.string().min(1).max(200).describe('Its name, as find_tools gives it.'),
    arguments: z.record(z.string(), z.unknown()).default({}).describe('Its arguments, after its input_schema.'),
  }),
  output: z.unknown(),
  async handler({ name, arguments: input }, { registry, profiles, sight, invoke, ...context }) {
    const entry = find(name, { registry, profiles, sight }, context)
    const result = await invoke(callOf(entry, input, context))
    return result instanceof RelayedResult ? result.of(entry.provider.id) : result
  },
})

/** Not `unknown_operation`, which MCP clients keep to themselves: the model has to read what else there is. */
function find(name: string, looking: Looking, asker: CallContext): Entry {
  const { registry } = looking
  const known = registry.has(name) ? registry.find(name) : undefined
  // One that stands in no list may be held back: it says so itself.
  if (known && isTool(known) && visibleTo(looking, asker)(known)) return known
  const visible = visibleEntries(looking, asker)
  const meant = nearest(
    name,
    visible.flatMap((entry) => [entry.name, entry.tool.name]),
  )
  throw new Fault('not_found', `There is no tool called ${JSON.stringify(name.slice(0, 100))} to call here.`, {
    hint: meant === undefined ? `find_tools searches the ${visible.length} there are.` : `Did you mean ${meant}?`,
  })
}

/** Other methods of MCP are `<provider>/<method>`. */
const isTool = ({ tool, provider }: Entry): boolean => !tool.name.startsWith(`${provider.id}/`)

/** The same caller's call, so that scope, rate, time limit and audit are those of the tool itself. */
function callOf(entry: Entry, input: unknown, context: CallContext): Call {
  const { caller, signal, span, peer } = context
  const logTo = peer && peerLog(peer, entry.tool.name)
  return {
    operation: entry.tool.name,
    input,
    caller,
    signal,
    within: context.requestId,
    emit: (progress) => context.emit(progress),
    ...(span && { trace: span.traceparent }),
    ...(peer && { peer: peerWith(peer, innerParams(peer.params, entry.name)) }),
    ...(logTo && { logTo }),
  }
}

/** The client's own words as a call of that tool: everything beside the arguments (`_meta`, answers to questions) stays. */
function innerParams(params: JsonText, name: string): JsonText {
  const members = readMembers(params)
  const given = readMembers(members.get('arguments') ?? '{}')
  members.set('name', JSON.stringify(name))
  members.set('arguments', given.get('arguments') ?? '{}')
  return writeMembers(members)
}
