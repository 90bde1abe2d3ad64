import { Fault } from '../../kernel/fault.ts'

/** A backup that is not whole any more. Which part of it is nobody's concern: nothing of it can be trusted. */
export const damaged = (cause?: unknown): Fault =>
  new Fault('storage_failed', 'The backup is damaged: it was cut off or changed.', {
    hint: 'Nothing was restored. Take another backup.',
    ...(cause !== undefined && { cause }),
  })

export const notABackup = (): Fault =>
  new Fault('invalid_input', 'The file is no backup of Alicia.', { hint: '`alicia backup` makes one.' })

export const newerProgram = (version?: string): Fault =>
  new Fault(
    'invalid_input',
    `A newer version of Alicia${version === undefined ? '' : `, ${version},`} made the backup.`,
    {
      hint: 'Restore it with that version or a newer one.',
    },
  )
