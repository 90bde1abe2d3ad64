import { existsSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** Milliseconds to wait for whoever only looks whether the lock is held. */
const WAIT_MS = 200

const SQLITE_BUSY = 5

/** Connections that hold a lock: a collected one is closed, and its lock with it. */
const holders = new Set<DatabaseSync>()

/**
 * Takes the lock; returns what lets it go, or undefined when another process (or this one) has it for `waitMs`. It is a lock of
 * the operating system, held through SQLite, which knows how on every platform: when the process dies, however it
 * dies, the lock is free. Nothing else may open the file: POSIX drops all locks of a process on a file as soon as the
 * process closes any of its descriptors of that file.
 */
export function takeLock(file: string, waitMs = WAIT_MS): (() => void) | undefined {
  makePrivate(file)
  const db = new DatabaseSync(file, { timeout: waitMs })
  // Nothing is ever written, so no journal is needed; one on the disk would only lie about after a crash.
  if (!isFree(db, 'pragma journal_mode = memory; begin exclusive')) {
    db.close()
    return undefined
  }
  holders.add(db)
  return () => {
    holders.delete(db)
    db.close()
  }
}

/** SQLite would let everybody read it, and a read is enough to hold a lock that keeps the hub out. */
function makePrivate(file: string): void {
  if (!existsSync(file)) writeFileSync(file, '', { mode: 0o600 })
}

/** Whether somebody has the lock. Looking does not take it. */
export function isLocked(file: string): boolean {
  if (!existsSync(file)) return false
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    return !isFree(db, 'select count(*) from sqlite_schema')
  } finally {
    db.close()
  }
}

function isFree(db: DatabaseSync, statement: string): boolean {
  try {
    db.exec(statement)
    return true
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false
    db.close()
    throw error
  }
}
