import { constants, setPriority } from 'node:os'
import process from 'node:process'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { ChainSigner, linkAll, type Head } from './chain.ts'
import { textsOf } from './gathered.ts'
import { insertsOf } from './inserts.ts'
import type { Job, Outcome, WriterData } from './writer-thread.ts'

/**
 * The thread of `writer-thread.ts`: links what it is given to the chain and inserts it, each job in one transaction. It has a
 * connection of its own, and little else: neither the query builder nor anything of the hub.
 */
if (!parentPort) throw new TypeError('This runs as a thread of the hub.')
const port = parentPort
// Linux takes 0 for the calling thread; elsewhere it is the whole process.
if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL)
/** The hub may be writing, and another program: it waits for as long as the hub's own statements do. */
const BUSY_TIMEOUT_MS = 1000
const db = new DatabaseSync((workerData as WriterData).file, { timeout: BUSY_TIMEOUT_MS })
// The store made the file, with a write-ahead log; this is a setting of each connection.
db.exec('pragma synchronous = normal')
const statements = new Map<string, StatementSync>()

port.on('message', (job: Job | 'end') => {
  if (job === 'end') {
    db.close()
    port.close()
  } else port.postMessage(outcomeOf(job))
})

function outcomeOf(job: Job): Outcome {
  try {
    return { head: write(job) }
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

function write({ head, key, gathered }: Job): Head {
  // What comes from another thread is bytes without the methods of a Buffer.
  const signer = new ChainSigner(() => [{ id: key.id, bytes: Buffer.from(key.bytes) }])
  const links = linkAll(signer, gathered.flatMap(textsOf), head)
  db.exec('begin immediate')
  for (const { sql, parameters } of insertsOf('sqlite', links)) {
    const statement = statements.get(sql) ?? db.prepare(sql)
    statements.set(sql, statement)
    statement.run(...parameters)
  }
  db.exec('commit')
  const { chain, seq, bytes, mac } = links.at(-1) ?? head
  return { chain, seq, bytes, mac }
}
