import type { DatabaseSync } from 'node:sqlite'

/** When sessions without a connection end (MQTT 5.0, 3.1.2.11.2), also over restarts of the broker. */
export interface SessionStore {
  /** The client is here: its session does not age. */
  begin(client: string, expirySeconds: number): void
  /** The client is gone: its session ends `expirySeconds` from now. */
  leave(client: string, expirySeconds: number, nowMs: number): void
  remove(client: string): void
  /** Clients whose sessions are over. */
  expired(nowMs: number): string[]
}

export function openSessionStore(db: DatabaseSync, nowMs: number): SessionStore {
  const upsert = db.prepare(`INSERT INTO session (client, expiry_seconds, ended_ms) VALUES (?, ?, ?)
    ON CONFLICT (client) DO UPDATE SET expiry_seconds = excluded.expiry_seconds, ended_ms = excluded.ended_ms`)
  const removeOne = db.prepare('DELETE FROM session WHERE client = ?')
  const over = db.prepare('SELECT client FROM session WHERE ended_ms + expiry_seconds * 1000 <= ?')
  const clients = new Set(
    db
      .prepare('SELECT client FROM session')
      .all()
      .map(({ client }) => client as string),
  )
  // Whoever was connected when the last run ended is not now.
  db.prepare('UPDATE session SET ended_ms = ? WHERE ended_ms IS NULL').run(nowMs)

  return {
    begin(client, expirySeconds) {
      upsert.run(client, expirySeconds, null)
      clients.add(client)
    },
    leave(client, expirySeconds, nowMs) {
      if (clients.has(client)) upsert.run(client, expirySeconds, nowMs)
    },
    remove(client) {
      if (clients.delete(client)) removeOne.run(client)
    },
    expired: (nowMs) => over.all(nowMs).map(({ client }) => client as string),
  }
}
