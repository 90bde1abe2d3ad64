import type { Migration } from '../../kernel/ports.ts'

export const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-audit',
    async up(db) {
      await db.schema
        .createTable('audit')
        .addColumn('at_ms', 'bigint', (column) => column.notNull())
        .addColumn('request_id', 'text', (column) => column.notNull())
        .addColumn('caller_id', 'text', (column) => column.notNull())
        .addColumn('via', 'text', (column) => column.notNull())
        .addColumn('address', 'text')
        .addColumn('operation', 'text', (column) => column.notNull())
        .addColumn('provider', 'text', (column) => column.notNull())
        .addColumn('effect', 'text', (column) => column.notNull())
        .addColumn('outcome', 'text', (column) => column.notNull())
        .addColumn('duration_ms', 'double precision', (column) => column.notNull())
        .execute()
      // Not unique, nor is the request id: a caller may have chosen that one, and must not be able to hide a call
      // behind another.
      await db.schema.createIndex('audit_at').on('audit').column('at_ms').execute()
    },
  },
  {
    name: '002-chain',
    async up(db) {
      const texts = ['caller_name', 'person', 'credential', 'role', 'trace_id', 'details', 'chain', 'mac']
      for (const column of texts) await db.schema.alterTable('audit').addColumn(column, 'text').execute()
      for (const column of ['seq', 'bytes']) await db.schema.alterTable('audit').addColumn(column, 'bigint').execute()
      // Unique: an entry whose commit was not heard of is not written twice.
      await db.schema.createIndex('audit_chain').on('audit').columns(['chain', 'seq']).unique().execute()
      await db.schema
        .createTable('audit_chains')
        .addColumn('chain', 'text', (column) => column.primaryKey())
        .addColumn('started_ms', 'bigint', (column) => column.notNull())
        .addColumn('pruned_seq', 'bigint', (column) => column.notNull())
        .addColumn('pruned_bytes', 'bigint', (column) => column.notNull())
        .addColumn('pruned_mac', 'text', (column) => column.notNull())
        .addColumn('pruned_ms', 'bigint', (column) => column.notNull())
        .addColumn('signature', 'text', (column) => column.notNull())
        .execute()
    },
  },
]
