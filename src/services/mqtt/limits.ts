/** What the service allows itself and its callers. */
export interface MqttLimits {
  /** Sessions one caller may have at a time. */
  readonly sessionsPerCaller: number
  /** Sessions of all callers together. */
  readonly sessions: number
  /** A session ends this long after its last use. */
  readonly sessionTtlMs: number
  /** An unused connection is closed after this; the session stays, and connects again on its next use. */
  readonly idleMs: number
  /** Subscriptions at a time in one session. Each but the first has a connection of its own. */
  readonly subscriptionsPerSession: number
  /** Bytes that one collection may hold in memory, about. */
  readonly collectedBytes: number
  /** Live indexes at a time, of all sessions; what each may know, and hold in memory, about. */
  readonly indexes: number
  readonly indexedTopics: number
  readonly indexBytes: number
  /** Characters of one recording, and of all of one caller; how many a caller may have. */
  readonly recordingBytes: number
  readonly recordedBytesPerCaller: number
  readonly recordingsPerCaller: number
}

export const DEFAULT_LIMITS: MqttLimits = {
  sessionsPerCaller: 20,
  sessions: 100,
  sessionTtlMs: 3_600_000,
  idleMs: 300_000,
  subscriptionsPerSession: 5,
  collectedBytes: 64 * 1024 * 1024,
  indexes: 10,
  indexedTopics: 100_000,
  indexBytes: 64 * 1024 * 1024,
  recordingBytes: 16 * 1024 * 1024,
  recordedBytesPerCaller: 64 * 1024 * 1024,
  recordingsPerCaller: 50,
}
