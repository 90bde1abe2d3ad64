/** What is known of one topic. Times are wall-clock milliseconds. */
export interface TopicEntry {
  readonly topic: string
  /** Messages since the index began, what the broker had kept included. */
  count: number
  /** The beginning of the latest payload, a character per byte: strings take a third of what small buffers take. */
  payload: string
  /** Bytes of the whole latest payload. */
  size: number
  /** The broker had kept a message for it when the index began to listen, or began again. */
  retained: boolean
  /** Its latest message was live and empty, which deletes what the broker keeps. */
  cleared: boolean
  readonly firstMs: number
  lastMs: number
  /** Live messages, the older ones counting less: the rate is made of it. */
  weight: number
  /** Heard again since the eviction last looked at it. */
  recent: boolean
  /** The stretch of the history that has its value from before; 0: none yet. */
  stretch: number
}
