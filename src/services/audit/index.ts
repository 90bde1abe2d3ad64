import { service } from '../../kernel/service.ts'
import { countAudit, exportAudit, followAudit, searchAudit, verifyAudit } from './operations.ts'

/** The record of every call, for those who may look at it. */
export const audit = service({
  name: 'audit',
  summary: 'Who did what, from where and with what outcome; and whether that record was tampered with.',
  needs: ['trail', 'people'],
  operations: [searchAudit, countAudit, verifyAudit, exportAudit, followAudit],
  start: async ({ trail, people, clock }) => ({ deps: { trail, people, clock } }),
})
