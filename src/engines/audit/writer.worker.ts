import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { ChainSigner, linkAll, type Head } from './chain.ts'
import { sizeOf, textsOf } from './gathered.ts'
import { insertsOf } from './inserts.ts'
import type { Job, Outcome, WriterData } from './writer-thread.ts'

/**
 * The thread of `writer-thread.ts`: links what it is given to the chain and inserts it, in short transactions. It has a
 * connection of its own, and little else: neither the query builder nor anything of the hub. Its priority is no lower, since the
 * hub waits for the lock that it holds.
 */
if (!parentPort) throw new TypeError('This runs as a thread of the hub.')
const port = parentPort
/** The hub may be writing, and another program: it waits for as long as the hub's own statements do. */
const BUSY_TIMEOUT_MS = 1000
/**
 * Of one transaction: the hub stands still while another statement of it waits for the lock, also on a machine that is busy. Where a
 * batch ends in the middle, the hub finds what is there of it.
 */
const ROWS_AT_ONCE = 400
/** Between two transactions: whoever waits for the lock looks again after a few milliseconds only, and would find it taken each time. */
const PAUSE_MS = 2
const never = new Int32Array(new SharedArrayBuffer(4))

const url = pathToFileURL((workerData as WriterData).file)
// Never made here: the store does that, with its rights.
url.searchParams.set('mode', 'rw')
const db = new DatabaseSync(url, { timeout: BUSY_TIMEOUT_MS })
// It has a write-ahead log already; this is a setting of each connection.
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
  let end = head
  for (const one of gathered)
    for (let at = 0; at < sizeOf(one); at += ROWS_AT_ONCE) {
      if (end !== head) Atomics.wait(never, 0, 0, PAUSE_MS)
      const links = linkAll(signer, textsOf(one, at, at + ROWS_AT_ONCE), end)
      db.exec('begin immediate')
      if (end === head) requireEnd(head)
      for (const { sql, parameters } of insertsOf('sqlite', links)) prepared(sql).run(...parameters)
      db.exec('commit')
      const { chain, seq, bytes, mac } = links.at(-1) ?? end
      end = { chain, seq, bytes, mac }
    }
  return end
}

/** The file at that path may be another one than the hub has open: then the chain does not go on in it. */
function requireEnd({ chain, mac }: Head): void {
  const last = prepared('select mac from audit where chain = ? order by seq desc limit 1').get(chain)
  const end = last ?? prepared('select pruned_mac as mac from audit_chains where chain = ?').get(chain)
  if (end?.['mac'] !== mac) throw new Error('The chain does not end there where the hub knows it to.')
}

function prepared(sql: string): StatementSync {
  const statement = statements.get(sql) ?? db.prepare(sql)
  statements.set(sql, statement)
  return statement
}
