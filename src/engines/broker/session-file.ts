import { existsSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Fault } from '../../kernel/fault.ts'

/**
 * The embedded broker's file. Every statement commits by itself: with the write-ahead log and `synchronous = NORMAL`
 * a commit is written to the operating system, not synced to the disk, so it survives kill -9 and costs microseconds.
 */
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA busy_timeout = 2000;
  CREATE TABLE IF NOT EXISTS retained (
    topic TEXT PRIMARY KEY,
    head TEXT NOT NULL,
    payload NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS session (
    client TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    expiry_seconds INTEGER NOT NULL,
    ended_ms INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS subscription (
    client TEXT NOT NULL,
    filter TEXT NOT NULL,
    options TEXT NOT NULL,
    PRIMARY KEY (client, filter)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS outgoing (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client TEXT NOT NULL,
    broker TEXT,
    number INTEGER,
    message_id INTEGER,
    head TEXT NOT NULL,
    payload
  );
  CREATE INDEX IF NOT EXISTS outgoing_number ON outgoing (client, broker, number);
  CREATE INDEX IF NOT EXISTS outgoing_message ON outgoing (client, message_id);
  CREATE TABLE IF NOT EXISTS incoming (
    client TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    head TEXT NOT NULL,
    payload NOT NULL,
    PRIMARY KEY (client, message_id)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS will (
    client TEXT PRIMARY KEY,
    head TEXT NOT NULL,
    payload NOT NULL
  ) WITHOUT ROWID;
`

/** Files of earlier versions did not keep who published what. */
const WITH_ACCOUNT = "ALTER TABLE retained ADD COLUMN account TEXT NOT NULL DEFAULT ''"

/** Opens or creates it. Throws Fault `storage_failed`. */
export function openSessionFile(path: string): DatabaseSync {
  try {
    // Made for its owner alone; SQLite gives the files beside it the same mode.
    if (path !== ':memory:' && !existsSync(path)) writeFileSync(path, '', { mode: 0o600 })
    const db = new DatabaseSync(path)
    db.exec(SCHEMA)
    const columns = db.prepare("SELECT name FROM pragma_table_info('retained')").all()
    if (!columns.some(({ name }) => name === 'account')) db.exec(WITH_ACCOUNT)
    return db
  } catch (error) {
    throw new Fault('storage_failed', `The broker's file ${path} cannot be used: ${(error as Error).message}.`, {
      hint: 'Check that its folder can be written and has room; if the file is damaged, move it away: retained messages and sessions start anew.',
      cause: error,
    })
  }
}
