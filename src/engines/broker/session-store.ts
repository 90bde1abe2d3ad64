import type { DatabaseSync } from 'node:sqlite'

/** When sessions without a connection end (MQTT 5.0, 3.1.2.11.2), also over restarts of the broker. */
export interface SessionStore {
  /** Notes whose login the client used. */
  admit(client: string, account: string): void
  accountOf(client: string): string | undefined
  /** The account of a session that outlives its connection. */
  ownerOf(client: string): string | undefined
  /** The clients with such sessions of one account. */
  ownedBy(account: string): readonly string[]
  /** The client is here: its session does not age. */
  begin(client: string, expirySeconds: number): void
  /** The client is gone: its session, if it has one, ends `expirySeconds` from now. */
  leave(client: string, expirySeconds: number, nowMs: number): void
  remove(client: string): void
  /** Clients whose sessions are over. */
  expired(nowMs: number): string[]
}

export function openSessionStore(db: DatabaseSync, nowMs: number): SessionStore {
  const upsert = db.prepare(`INSERT INTO session (client, account, expiry_seconds, ended_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (client) DO UPDATE SET account = excluded.account, expiry_seconds = excluded.expiry_seconds, ended_ms = excluded.ended_ms`)
  const removeOne = db.prepare('DELETE FROM session WHERE client = ?')
  const over = db.prepare('SELECT client FROM session WHERE ended_ms + expiry_seconds * 1000 <= ?')
  const lasting = new Set<string>()
  const accounts = new Map<string, string>()
  for (const { client, account } of db.prepare('SELECT client, account FROM session').all()) {
    lasting.add(client as string)
    accounts.set(client as string, account as string)
  }
  // Whoever was connected when the last run ended is not now.
  db.prepare('UPDATE session SET ended_ms = ? WHERE ended_ms IS NULL').run(nowMs)

  return {
    admit: (client, account) => void accounts.set(client, account),
    accountOf: (client) => accounts.get(client),
    ownerOf: (client) => (lasting.has(client) ? accounts.get(client) : undefined),
    ownedBy: (account) => [...lasting].filter((client) => accounts.get(client) === account),
    begin(client, expirySeconds) {
      upsert.run(client, accounts.get(client) ?? '', expirySeconds, null)
      lasting.add(client)
    },
    leave(client, expirySeconds, nowMs) {
      if (lasting.has(client)) upsert.run(client, accounts.get(client) ?? '', expirySeconds, nowMs)
      else accounts.delete(client)
    },
    remove(client) {
      if (lasting.delete(client)) removeOne.run(client)
    },
    expired: (nowMs) => over.all(nowMs).map(({ client }) => client as string),
  }
}
