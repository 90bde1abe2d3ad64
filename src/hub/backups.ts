import { existsSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Backups, RestoreRequest } from '../adapters/cli/backups.ts'
import { configSources, loadConfig, type Config } from '../config.ts'
import { notePending } from './pending-notes.ts'
import { makeBackup, newRecoveryKey, type ExtraFile } from '../engines/backup.ts'
import { restoreBackup } from '../engines/restore.ts'
import { dataIn } from '../engines/restore-journal.ts'
import { loadSecrets } from '../engines/secrets.ts'
import { openPostgres } from '../engines/store/postgres.ts'
import { systemClock } from '../kernel/clock.ts'
import { Fault } from '../kernel/fault.ts'
import { silentLog } from '../kernel/log.ts'
import { withSecrets } from './config-secrets.ts'
import { KEY_FILES, keyringAt } from './secrets.ts'

const CONFIG_NAMES = ['alicia.jsonc', 'alicia.json']

/** Everything a hub keeps in one file, and back: over the data folder, the database and the files of the configuration. */
export const backupsFor = (version: string): Backups<Config> => ({
  newRecoveryKey: async () => newRecoveryKey(),
  async make(given, request) {
    const { data } = given
    if (dataIn(data).length === 0)
      throw new Fault('not_found', `There is nothing in the data folder ${data}.`, {
        hint: 'Name another with --data.',
      })
    const postgres = await postgresOf(withSecrets(given, { of: ['database'] }))
    try {
      return await makeBackup({
        ...request,
        folder: data,
        target: request.file,
        version,
        now: new Date(systemClock.now()),
        extra: [...rootKeyOf(given), ...filesElsewhere(given)],
        ...(postgres && { postgres: postgres.db }),
      })
    } finally {
      await postgres?.close()
    }
  },
  async restore(given, request) {
    const { manifest, files, aside } = await restoreBackup({
      ...request,
      folder: given.data,
      version,
      now: new Date(systemClock.now()),
      log: silentLog,
      prepare(staging) {
        // In its place with everything else, or not at all.
        const details = { backup: basename(request.file) }
        notePending(staging, { kind: 'backup.restored', atMs: systemClock.now(), details }, silentLog)
        return prepare(staging, given, request)
      },
    })
    const { created, version: madeBy, moved } = manifest
    return { created, version: madeBy, files, moved, ...(aside !== undefined && { aside: join(given.data, aside) }) }
  },
})

async function postgresOf({ database: { url } }: Config) {
  if (url === undefined) return undefined
  const store = await openPostgres({ url, log: silentLog })
  return { db: store.as<Record<string, Record<string, unknown>>>(), close: () => store.close() }
}

/** One that is in no file of the data folder: without it a backup of the rest would be of no use. */
function rootKeyOf(config: Config): ExtraFile[] {
  const isElsewhere = config.secretKey !== undefined || config.secretKeySource === 'keyring'
  if (!isElsewhere || !existsSync(join(config.data, KEY_FILES.data))) return []
  const inTheWay = existsSync(join(config.data, KEY_FILES.root))
  return inTheWay ? [] : [{ path: KEY_FILES.root, text: keyringAt(config, silentLog).rootText() }]
}

/** The configuration and the files with servers, where they lie outside of the data folder; there is room for each name once. */
function filesElsewhere({ data, file, mcpFiles }: Config): ExtraFile[] {
  const taken = new Set(dataIn(data))
  const found: ExtraFile[] = []
  const add = (was: string, path: string) => {
    if (taken.has(path) || dirname(was) === data || !existsSync(was)) return
    taken.add(path)
    found.push({ path, was, text: readFileSync(was, 'utf8') })
  }
  // Under another name nobody would look for it.
  if (file !== undefined && !CONFIG_NAMES.some((name) => taken.has(name)))
    add(file, CONFIG_NAMES.includes(basename(file)) ? basename(file) : 'alicia.jsonc')
  for (const was of mcpFiles) add(was, basename(was))
  return found
}

/** The restored files as the hub that will run on them would find them: which database it uses, and which root key. */
async function prepare(staging: string, given: Config, { flags }: RestoreRequest) {
  const restored = CONFIG_NAMES.map((name) => join(staging, name)).find((path) => existsSync(path))
  const isGiven = given.file !== undefined && dirname(given.file) !== given.data
  const config =
    restored === undefined || isGiven
      ? given
      : loadConfig(configSources({ ...flags, config: restored, data: given.data }))
  if (config.secretKey !== undefined) wrapWith(config.secretKey, staging)
  return await postgresOf(withSecrets(config, { of: ['database'], data: staging }))
}

/** The root key that the environment gives counts; the one of the backup opens what it wrapped, once. */
function wrapWith(secretKey: string, staging: string): void {
  const file = join(staging, KEY_FILES.root)
  if (!existsSync(file)) return
  const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: readonly { readonly key: string }[] }
  const fromEnvironment = [secretKey, ...keys.map(({ key }) => key)].join(',')
  loadSecrets({ file, log: silentLog, fromEnvironment, keysFile: join(staging, KEY_FILES.data) }).settle()
  rmSync(file)
}
