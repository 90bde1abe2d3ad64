import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { silentLog } from '../../kernel/log.ts'
import type { Store } from '../../kernel/ports.ts'
import type { OpenStore } from './open-store.ts'

interface Tables {
  numbers: { number: number; text: string }
}

/** How a store is opened, in this process and in another one: a module of this folder, its function, its options. */
export interface Opening {
  module: './sqlite.ts' | './postgres.ts'
  open: 'openSqlite' | 'openPostgres'
  options: Record<string, string>
}

const ROUNDS = 4

/** A process that writes as fast as it can is killed at a random moment: every row it was told of must be there. */
export function crashTest(name: string, opening: () => Opening): void {
  test(`${name}: kill -9 in the middle of writes loses nothing that was acknowledged`, async () => {
    const store = await openAs(opening())
    await store.migrate('crash', [{ name: '001', up: createTable }])
    let first = 0
    for (let round = 0; round < ROUNDS; round++) {
      const last = await writeAndDie(opening(), first, randomInt(20, 200))
      const rows = await store.as<Tables>().selectFrom('numbers').selectAll().orderBy('number').execute()
      assert.ok(rows.length > last, `${last} was acknowledged, ${rows.length} rows are there`)
      // One write at most was under way: it is there whole, or not at all.
      assert.ok(rows.length <= last + 2)
      rows.forEach((row, index) => assert.deepEqual(row, { number: index, text: textOf(index) }))
      first = rows.length
    }
    await store.close()
  })
}

const textOf = (number: number) => `${number} `.repeat(50)

const createTable = async (db: ReturnType<Store['as']>) => {
  await db.schema.createTable('numbers').addColumn('number', 'bigint').addColumn('text', 'text').execute()
}

/** Returns the last number that the writer saw committed before it was killed, which happens after `count` of them. */
async function writeAndDie(opening: Opening, first: number, count: number): Promise<number> {
  const code = `
    const { ${writeForever.name}: write } = await import(${JSON.stringify(import.meta.url)})
    await write(${JSON.stringify(opening)}, ${first})`
  const writer = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(writer, 'exit')
  let last = -1
  for await (const line of createInterface({ input: writer.stdout })) {
    // The kernel delivers what was written before the kill: those rows count too.
    last = Number(line)
    if (last === first + count) writer.kill('SIGKILL')
  }
  assert.deepEqual(await exit, [null, 'SIGKILL'], 'the writer ended by itself')
  return last
}

/** What the other process does: each number is printed once its write is acknowledged. */
export async function writeForever(opening: Opening, first: number): Promise<void> {
  const store = await openAs(opening)
  for (let number = first; ; number++) {
    const row = { number, text: textOf(number) }
    await store
      .as<Tables>()
      .transaction()
      .execute((db) => db.insertInto('numbers').values(row).execute())
    // writeSync would throw EAGAIN when whoever reads is slow.
    await new Promise((written) => void process.stdout.write(`${number}\n`, written))
  }
}

async function openAs({ module, open, options }: Opening): Promise<OpenStore> {
  const engine = (await import(module)) as Record<string, (options: object) => OpenStore | Promise<OpenStore>>
  const opener = engine[open]
  assert.ok(opener)
  return opener({ ...options, log: silentLog })
}
