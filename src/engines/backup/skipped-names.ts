/** What belongs to the process that runs, or to a backup or restore, and what SQLite keeps beside its files. */
const SKIPPED =
  /^(hub\.json|\.write-test-.*|\.restore.*|\.backup-.*|before-restore-.*)$|\.(lock|new|tmp|sock)$|-(wal|shm|journal)$/

/** Whether something of that name in the data folder is none of its data. */
export const isSkipped = (name: string): boolean => SKIPPED.test(name)
