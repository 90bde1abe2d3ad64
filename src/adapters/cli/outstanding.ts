/** Requests without an answer yet, by their ids. */
export interface Outstanding {
  /** A message from the client. */
  sent(message: string): void
  /** A message from the hub. */
  received(message: string): void
  /** Resolves as soon as none is left. */
  settled(): Promise<void>
}

/** MCP 2026-07-28: answered only when the client ends it. Waiting for it would be waiting for ever. */
const ENDLESS = new Set(['subscriptions/listen'])

export function createOutstanding(): Outstanding {
  const open = new Set<string>()
  let notify = () => {}
  const settle = () => {
    if (open.size === 0) notify()
  }
  return {
    sent(message) {
      for (const { id, method } of messagesIn(message))
        if (isId(id) && typeof method === 'string' && !ENDLESS.has(method)) open.add(keyOf(id))
    },
    received(message) {
      for (const { id, method } of messagesIn(message)) if (isId(id) && method === undefined) open.delete(keyOf(id))
      settle()
    },
    settled: () =>
      new Promise((resolve) => {
        notify = resolve
        settle()
      }),
  }
}

const isId = (id: unknown): id is string | number => typeof id === 'string' || typeof id === 'number'

/** 1 and "1" are two ids. */
const keyOf = (id: string | number) => JSON.stringify(id)

/** One message, or the batch of revision 2025-03-26; nothing where it is not JSON: that is the hub's to refuse. */
function messagesIn(text: string): { id?: unknown; method?: unknown }[] {
  try {
    const value: unknown = JSON.parse(text)
    return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'object' && item !== null)
  } catch {
    return []
  }
}
