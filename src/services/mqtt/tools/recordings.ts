import { Fault } from '../../../kernel/fault.ts'
import type { Migration, Store } from '../../../kernel/ports.ts'

/** A recording without its messages. Times are wall-clock milliseconds. */
export interface RecordingFacts {
  name: string
  filter: string
  created_ms: number
  duration_ms: number
  messages: number
  /** Characters of its lines. */
  bytes: number
  redacted: number
}

interface RecordingRow extends RecordingFacts {
  id: string
  caller_id: string
}

interface Tables {
  mqtt_recordings: RecordingRow
  mqtt_recording_chunks: { recording_id: string; first_line: number; lines: string }
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '1 recordings',
    async up(db) {
      await db.schema
        .createTable('mqtt_recordings')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('caller_id', 'text', (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('filter', 'text', (column) => column.notNull())
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .addColumn('duration_ms', 'bigint', (column) => column.notNull())
        .addColumn('messages', 'integer', (column) => column.notNull())
        .addColumn('bytes', 'bigint', (column) => column.notNull())
        .addColumn('redacted', 'integer', (column) => column.notNull())
        .addUniqueConstraint('mqtt_recordings_name', ['caller_id', 'name'])
        .execute()
      await db.schema
        .createTable('mqtt_recording_chunks')
        .addColumn('recording_id', 'text', (column) => column.notNull())
        .addColumn('first_line', 'integer', (column) => column.notNull())
        .addColumn('lines', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('mqtt_recording_chunks_pk', ['recording_id', 'first_line'])
        .execute()
    },
  },
]

export interface RecordingLimits {
  readonly recordingsPerCaller: number
  /** Characters of all recordings of one caller. */
  readonly recordedBytesPerCaller: number
}

/** A caller's recordings; another's are as if there were none. Methods throw Fault `not_found`. */
export interface Recordings {
  /** Takes the name, so that nobody else does meanwhile. Throws Fault `conflict` for a known name or a full store. */
  begin(callerId: string, facts: Pick<RecordingFacts, 'name' | 'filter' | 'created_ms'>): Promise<Draft>
  list(callerId: string): Promise<RecordingFacts[]>
  find(callerId: string, name: string): Promise<Recording>
  remove(callerId: string, name: string): Promise<RecordingFacts>
}

/** A recording that is being made. */
export interface Draft {
  /** Characters that may still be stored. */
  readonly room: number
  finish(lines: readonly string[], facts: Pick<RecordingFacts, 'duration_ms' | 'redacted' | 'bytes'>): Promise<void>
  /** Nothing came of it. */
  discard(): Promise<void>
}

export interface Recording extends RecordingFacts {
  /** From a line on; counted from 0. */
  lines(from: number): AsyncGenerator<string, void, undefined>
}

/** Characters a row, about; a longer line has a row of its own. */
const CHUNK_CHARACTERS = 65_536

/** Creates the tables where they are missing. Throws Fault `storage_failed`. */
export async function openRecordings(store: Store, limits: RecordingLimits): Promise<Recordings> {
  await store.migrate('mqtt recordings', MIGRATIONS)
  const db = store.as<Tables>()
  const ofCaller = (callerId: string) => db.selectFrom('mqtt_recordings').where('caller_id', '=', callerId)

  const rowOf = async (callerId: string, name: string): Promise<RecordingRow> => {
    const row = await ofCaller(callerId).selectAll().where('name', '=', name).executeTakeFirst()
    if (row) return row
    throw new Fault('not_found', `There is no recording ${name}.`, { hint: 'list_recordings shows yours.' })
  }

  const removeRow = (id: string) =>
    db.transaction().execute(async (transaction) => {
      await transaction.deleteFrom('mqtt_recording_chunks').where('recording_id', '=', id).execute()
      await transaction.deleteFrom('mqtt_recordings').where('id', '=', id).execute()
    })

  async function* linesOf(id: string, from: number): AsyncGenerator<string, void, undefined> {
    let next = from
    for (;;) {
      const chunk = await db
        .selectFrom('mqtt_recording_chunks')
        .select(['first_line', 'lines'])
        .where('recording_id', '=', id)
        .where('first_line', '<=', next)
        .orderBy('first_line', 'desc')
        .executeTakeFirst()
      const lines = chunk ? chunk.lines.split('\n').slice(next - chunk.first_line) : []
      if (lines.length === 0) return
      yield* lines
      next += lines.length
    }
  }

  return {
    async begin(callerId, facts) {
      const known = await ofCaller(callerId).select(['name', 'bytes']).execute()
      if (known.some(({ name }) => name === facts.name)) throw taken(facts.name)
      if (known.length >= limits.recordingsPerCaller)
        throw full(`You have ${known.length} recordings, the most one caller may have.`)
      const room = limits.recordedBytesPerCaller - known.reduce((sum, { bytes }) => sum + bytes, 0)
      if (room <= 0) throw full(`Your recordings hold ${limits.recordedBytesPerCaller} characters, the most allowed.`)
      const id = crypto.randomUUID()
      const { numInsertedOrUpdatedRows: added } = await db
        .insertInto('mqtt_recordings')
        .values({ id, caller_id: callerId, ...facts, duration_ms: 0, messages: 0, bytes: 0, redacted: 0 })
        .onConflict((conflict) => conflict.columns(['caller_id', 'name']).doNothing())
        .executeTakeFirst()
      if (Number(added) === 0) throw taken(facts.name)
      return {
        room,
        discard: () => removeRow(id),
        finish: (lines, done) =>
          db.transaction().execute(async (transaction) => {
            for (const chunk of chunksOf(lines))
              await transaction
                .insertInto('mqtt_recording_chunks')
                .values({ recording_id: id, ...chunk })
                .execute()
            const values = { ...done, messages: lines.length }
            await transaction.updateTable('mqtt_recordings').set(values).where('id', '=', id).execute()
          }),
      }
    },
    async list(callerId) {
      const rows = await ofCaller(callerId).selectAll().orderBy('created_ms').orderBy('name').execute()
      return rows.map(factsOf)
    },
    async find(callerId, name) {
      const row = await rowOf(callerId, name)
      return { ...factsOf(row), lines: (from) => linesOf(row.id, from) }
    },
    async remove(callerId, name) {
      const row = await rowOf(callerId, name)
      await removeRow(row.id)
      return factsOf(row)
    },
  }
}

const factsOf = ({ id: _id, caller_id: _callerId, ...facts }: RecordingRow): RecordingFacts => facts

function chunksOf(lines: readonly string[]): { first_line: number; lines: string }[] {
  const chunks: { first_line: number; lines: string }[] = []
  for (const [index, line] of lines.entries()) {
    const last = chunks.at(-1)
    if (last && last.lines.length + line.length < CHUNK_CHARACTERS) last.lines += `\n${line}`
    else chunks.push({ first_line: index, lines: line })
  }
  return chunks
}

const taken = (name: string) =>
  new Fault('conflict', `There is a recording ${name} already.`, { hint: 'Choose another name, or delete_recording.' })

const full = (message: string) =>
  new Fault('conflict', message, { hint: 'Remove one with delete_recording; list_recordings shows them.' })
