import { Fault, FAULTS } from '../../kernel/fault.ts'
import type { Params } from '../../kernel/mcp/message.ts'
import { RPC } from '../../kernel/mcp/protocol.ts'
import { RelayedError, type RelayedErrorBody } from '../../kernel/mcp/relayed.ts'

/** JSON-RPC numbers that mean something in one era and must not reach the other as they are. */
export const ERA_RPC = {
  /** Up to 2025-11-25; 2026-07-28 has -32602 in its place. */
  resourceNotFound: -32002,
  /** 2025-11-25 alone: `data.elicitations` are pages that somebody has to visit first. */
  urlElicitationRequired: -32042,
} as const

/** What the protocol demands of whoever serves a client of 2026-07-28 that lacks a capability (basic, "_meta"). */
export const missingCapability = (name: string, requiredCapabilities: Params): RelayedError =>
  new RelayedError(name, {
    code: RPC.missingCapability,
    message: `Missing required client capability: ${Object.keys(requiredCapabilities).join(', ')}`,
    data: { requiredCapabilities },
  })

/** A `requestState` that is not to be trusted or of no use any more (2026-07-28, mrtr, server requirements 4 and 5). */
export const badState = (name: string, why: string): RelayedError =>
  new RelayedError(name, { code: RPC.invalidParams, message: `Invalid requestState: ${why}.` })

export const invalidParams = (name: string, why: string): RelayedError =>
  new RelayedError(name, { code: RPC.invalidParams, message: `Invalid params: ${why}.` })

/** Tells a server that a question of its own can't be answered, and why. */
export const refuseQuestion = (why: string, code: number = FAULTS.conflict.rpc): RelayedError =>
  new RelayedError('The hub', { code, message: why })

/** What a client of 2026-07-28 without `elicitation` and its like says of such a question in the era before. */
export const notDeclared = (required: Params): RelayedError =>
  refuseQuestion(`The client did not declare the capability: ${JSON.stringify(required)}.`, RPC.methodNotFound)

export const needsPerson = (name: string): Fault =>
  new Fault('conflict', `${name} needs an answer from a person to go on, and this call came from nobody to ask.`, {
    hint: 'Call it from an MCP client that declares elicitation, sampling or roots.',
    details: { provider: name },
  })

export const lacksCapability = (name: string, { code, message, data }: RelayedErrorBody): Fault => {
  const required = (data as { requiredCapabilities?: unknown } | undefined)?.requiredCapabilities
  const what = required === undefined ? message : Object.keys(Object(required)).join(', ')
  return new Fault('conflict', `${name} needs a client that can do more: ${what}.`, {
    hint: 'Call it from an MCP client that declares this.',
    details: { provider: name, rpc_code: code },
  })
}

/** An error about the hop between hub and server: it says nothing of the client's own request. */
export const badHop = (name: string, { code, message }: RelayedErrorBody): Fault =>
  new Fault('upstream_failed', `${name} refused how the hub asked: ${message}`, {
    details: { provider: name, rpc_code: code },
  })
