import type { Bus, BusMessage, PublishOptions } from '../kernel/ports.ts'

/** A bus whose broker is a map: messages arrive before `publish` resolves, and retained ones are kept. */
export interface MemoryBus extends Bus {
  /** Everything that was published, in order. */
  readonly published: readonly BusMessage[]
  readonly retained: ReadonlyMap<string, BusMessage>
  /** As if the connection had been lost and come back: subscriptions get retained messages anew. */
  reconnect(): void
  /** Resolves with the next message that is published and passes the test. */
  next(test: (message: BusMessage) => boolean): Promise<BusMessage>
}

interface Subscription {
  readonly filter: string
  readonly listener: (message: BusMessage) => void
}

export function memoryBus(): MemoryBus {
  const published: BusMessage[] = []
  const retained = new Map<string, BusMessage>()
  const subscriptions = new Set<Subscription>()
  const tasks = new Set<() => void>()
  const waiting = new Set<(message: BusMessage) => void>()

  const deliverRetained = ({ filter, listener }: Subscription) => {
    for (const message of retained.values()) if (matches(filter, message.topic)) listener({ ...message, retain: true })
  }

  return {
    published,
    retained,
    async publish(topic: string, payload: string | Buffer, options: PublishOptions = {}) {
      const { qos = 0, retain = false, properties } = options
      const message = { topic, payload: Buffer.from(payload), qos, ...(properties && { properties }) }
      published.push({ ...message, retain })
      if (retain && message.payload.length === 0) retained.delete(topic)
      else if (retain) retained.set(topic, { ...message, retain })
      for (const { filter, listener } of subscriptions)
        if (matches(filter, topic)) listener({ ...message, retain: false })
      for (const look of waiting) look({ ...message, retain })
    },
    async subscribe(filter, _qos, listener) {
      const subscription = { filter, listener }
      subscriptions.add(subscription)
      deliverRetained(subscription)
      return async () => void subscriptions.delete(subscription)
    },
    onConnect(task) {
      tasks.add(task)
      task()
      return () => void tasks.delete(task)
    },
    report: () => ({ status: 'available', sinceMs: 0 }),
    reconnect() {
      for (const task of tasks) task()
      subscriptions.forEach(deliverRetained)
    },
    next: (test) =>
      new Promise((resolve) => {
        const look = (message: BusMessage) => {
          if (!test(message)) return
          waiting.delete(look)
          resolve(message)
        }
        waiting.add(look)
      }),
  }
}

function matches(filter: string, topic: string): boolean {
  const levels = topic.split('/')
  const wanted = filter.split('/')
  const hash = wanted.at(-1) === '#'
  if (hash ? levels.length < wanted.length - 1 : levels.length !== wanted.length) return false
  return wanted.every((level, at) => level === '#' || level === '+' || level === levels[at])
}
