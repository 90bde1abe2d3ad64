import type { SecurityEvent } from './audit.ts'
import type { ClientSession } from './mcp/peer.ts'
import type { JsonText } from './mcp/raw.ts'
import type { Status } from './status.ts'
import type { ApprovalChange, WaitingCall } from './waiting-call.ts'

/** What happens inside the hub that others may want to know. One line an event: its name and what it carries. */
export interface EventMap {
  /** The list of tools, or the name or schema of one, is not what it was. */
  'tools.changed': { provider: string }
  /** The same for prompts, and for resources and their templates. */
  'prompts.changed': { provider: string }
  'resources.changed': { provider: string }
  /**
   * A resource that somebody subscribed to is not what it was; `uri` as the provider knows it. `caller`: whose connection
   * said so, where each person has their own; it is nobody else's news. `params`: as another server wrote them.
   */
  'resource.updated': { provider: string; uri: string; params?: JsonText; caller?: string }
  /**
   * An MCP server said something that belongs to no request. `session`: which client's it is, `caller`: which person's, where
   * that is known.
   */
  'mcp.notified': { provider: string; method: string; params: JsonText; session?: string; caller?: string }
  /** A client with a session came, changed its log level or its roots, or went. */
  'mcp.session': { session: ClientSession; change: 'opened' | 'level' | 'roots' | 'closed' }
  /** A service, engine or upstream changed its status. */
  'status.changed': { name: string; status: Status; reason?: string }
  /**
   * A credential is not good any more, or a person may do something else than before: what lives on its word (sessions,
   * streams, channels, MQTT connections) ends, and is opened anew with what is good now.
   */
  'access.ended': { credential: string } | { person: string }
  /** A call waits for a person, or does so no more: they decided, its time was up, or its caller went away. */
  'approval.changed': { call: WaitingCall; change: ApprovalChange }
  /** For the audit: what matters for security and is no call. */
  'security.noted': SecurityEvent
  /** Something that somebody watches is not as it should be (again and again while it lasts), or is once more. */
  'alarm.changed': { by: string; key: string; about: string; message: string; isOn: boolean }
  /** A capability was done by `to`, after others had failed or were known to be down. */
  'capability.fell_back': { capability: string; to: string }
}

export interface Events {
  emit<Name extends keyof EventMap>(name: Name, event: EventMap[Name]): void
  /** Returns what ends the subscription. */
  on<Name extends keyof EventMap>(name: Name, listener: (event: EventMap[Name]) => void): () => void
}

/** Listeners run at once, in the order they came; one that throws is reported and does not stop the rest. */
export function createEvents(report: (error: unknown) => void): Events {
  const listeners = new Map<keyof EventMap, Set<(event: never) => void>>()
  return {
    emit(name, event) {
      for (const listener of listeners.get(name) ?? []) {
        try {
          listener(event as never)
        } catch (error) {
          report(error)
        }
      }
    },
    on(name, listener) {
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set.add(listener))
      return () => void set.delete(listener)
    },
  }
}
