import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface PlannedFile {
  readonly name: string
  readonly text: string
  readonly mode: 0o600 | 0o640
}

export interface FileChange {
  readonly name: string
  /** `kept`: somebody changed it by hand since it was written, so it was left alone. */
  readonly change: 'written' | 'unchanged' | 'kept'
}

/** What the files were when they were written last, so that a change by hand shows. */
const LEDGER = '.written.json'

/** Writes what is different. What was changed by hand stays, unless `force` says otherwise. */
export function writeFileSet(
  folder: string,
  files: readonly PlannedFile[],
  { isDry = false, force = false }: { readonly isDry?: boolean; readonly force?: boolean } = {},
): FileChange[] {
  const ledger = readLedger(folder)
  const changes = files.map(({ name, text }): FileChange => {
    const now = readIfThere(join(folder, name))
    if (now === text) return { name, change: 'unchanged' }
    const isByHand = now !== undefined && ledger[name] !== digest(now)
    return { name, change: isByHand && !force ? 'kept' : 'written' }
  })
  if (isDry) return changes
  mkdirSync(folder, { recursive: true, mode: 0o750 })
  for (const [at, { name, change }] of changes.entries()) {
    const file = files[at]
    if (file && change === 'written') write(folder, file)
    if (file && change !== 'kept') ledger[name] = digest(file.text)
  }
  write(folder, { name: LEDGER, text: `${JSON.stringify(ledger, undefined, 2)}\n`, mode: 0o640 })
  return changes
}

export const readIfThere = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, 'utf8') : undefined

/** Never half written, and closed to others at every moment. */
function write(folder: string, { name, text, mode }: PlannedFile): void {
  const path = join(folder, name)
  const draft = `${path}.new`
  writeFileSync(draft, text, { mode })
  chmodSync(draft, mode)
  renameSync(draft, path)
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

function readLedger(folder: string): Record<string, string> {
  try {
    const read: unknown = JSON.parse(readIfThere(join(folder, LEDGER)) ?? '{}')
    const pairs = Object.entries(read as Record<string, unknown>).filter(([, hash]) => typeof hash === 'string')
    return Object.assign(Object.create(null), Object.fromEntries(pairs)) as Record<string, string>
  } catch {
    return {}
  }
}
