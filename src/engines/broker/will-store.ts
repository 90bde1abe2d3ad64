import type { DatabaseSync } from 'node:sqlite'
import { decodeHead, encodeHead, payloadOf } from './packet.ts'

export interface Will {
  topic: string
  payload: Buffer | string
  brokerId?: string
  clientId?: string
  /** Whose client left it: what they may write when it is spoken decides. */
  account?: string
}

/** Last words of connected clients, kept so that the next run can speak them if this one is killed. */
export interface WillStore {
  put(client: string, will: Will): void
  get(client: string): Will | undefined
  remove(client: string): Will | undefined
  list(): Generator<Will>
}

export function openWillStore(db: DatabaseSync): WillStore {
  const upsert = db.prepare(`INSERT INTO will (client, head, payload) VALUES (?, ?, ?)
    ON CONFLICT (client) DO UPDATE SET head = excluded.head, payload = excluded.payload`)
  const read = db.prepare('SELECT head, payload FROM will WHERE client = ?')
  const removeOne = db.prepare('DELETE FROM will WHERE client = ?')
  const clients = new Set(
    db
      .prepare('SELECT client FROM will')
      .all()
      .map(({ client }) => client as string),
  )

  const get = (client: string): Will | undefined => {
    const row = clients.has(client) ? read.get(client) : undefined
    if (!row) return undefined
    return { ...(decodeHead(row.head as string) as unknown as Will), payload: payloadOf(row.payload) }
  }

  return {
    put(client, will) {
      upsert.run(client, encodeHead(will), will.payload)
      clients.add(client)
    },
    get,
    remove(client) {
      const will = get(client)
      if (clients.delete(client)) removeOne.run(client)
      return will
    },
    *list() {
      for (const client of clients) {
        const will = get(client)
        if (will) yield will
      }
    },
  }
}
