import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCli } from './adapters/cli/cli.ts'
import type { Composition } from './adapters/cli/hub.ts'
import { processTerminal } from './adapters/cli/terminal.ts'
import { configSources, environment, loadConfig, type Config } from './config.ts'
import { FLAGS } from './config/settings.ts'
import { notePending } from './hub/pending-notes.ts'
import { openDataFolder, readToken, type DataFolder, runningHub } from './engines/data-folder.ts'
import { openPostgresOnDemand } from './engines/store/postgres-on-demand.ts'
import { DATABASE_FILE, openSqlite } from './engines/store/sqlite.ts'
import { systemClock } from './kernel/clock.ts'
import { Fault } from './kernel/fault.ts'
import { silentLog } from './kernel/log.ts'
import { offlineAudit } from './hub/offline-audit.ts'
import { plainSecrets, withSecrets } from './hub/config-secrets.ts'
import { offlineKeys } from './hub/offline-keys.ts'
import { serverFiles } from './hub/server-files.ts'
import { startServices } from './hub/only.ts'
import { startHub } from './hub/start.ts'
import { trimMemory } from './hub/trim-memory.ts'

/** As in package.json, which lies beside `src` and beside `dist`. */
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

/** Milliseconds after the start: who waited for it has asked the first questions by then. */
const SETTLED_MS = 5000

const composition: Composition<Config> = {
  version,
  flags: FLAGS,
  loadConfig: (flags) => loadConfig(configSources(flags)),
  async startHub(config, { log }) {
    const start = config.only === undefined ? startHub : startServices
    const hub = await start(config, { log, version })
    systemClock.after(SETTLED_MS, trimMemory)
    return hub
  },
  findHub: ({ data }) => runningHub(data),
  readToken: (config) => withSecrets(config, { of: ['token'] }).token ?? readToken(config.data, silentLog),
  rotateToken: async (config) =>
    inFolder(config, (folder) => {
      const token = folder.rotateToken()
      notePending(folder.path, { kind: 'token.rotated', atMs: systemClock.now() }, silentLog)
      return token
    }),
  async checkDatabase(config) {
    const { data, database } = withSecrets(config, { of: ['database'] })
    const { url } = database
    const store =
      url === undefined
        ? openSqlite({ file: join(data, DATABASE_FILE), log: silentLog })
        : await openPostgresOnDemand({ url, log: silentLog })
    await store.close()
    return url === undefined ? `SQLite in ${data}` : 'PostgreSQL'
  },
  servers: (config) => serverFiles(config),
  audit: offlineAudit,
  plainSecrets,
  withSecrets: (config) => withSecrets(config),
  keys: offlineKeys,
  // A hub that runs has no use for it.
  brokerFiles: async () => (await import('./hub/broker-files.ts')).brokerFiles,
  backups: {
    newRecoveryKey: async () => await (await backups()).newRecoveryKey(),
    make: async (config, request) => await (await backups()).make(config, request),
    restore: async (config, request) => await (await backups()).restore(config, request),
  },
}

const backups = async () => (await import('./hub/backups.ts')).backupsFor(version)

/** Does something with the data folder of a hub that does not run. Throws Fault `conflict` when one does. */
function inFolder<T>(config: Config, task: (folder: DataFolder) => T): T {
  const { data, token } = withSecrets(config, { of: ['token'] })
  const hub = runningHub(data)
  if (hub)
    throw new Fault('conflict', `Process ${hub.pid} at ${hub.url} runs on the data folder ${data}.`, {
      hint: 'Stop it first, and start it again afterwards.',
    })
  const folder = openDataFolder({ path: data, log: silentLog, ...(token !== undefined && { token }) })
  try {
    return task(folder)
  } finally {
    folder.close()
  }
}

/** Runs one command line and returns its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  return await createCli(composition, processTerminal(environment)).run(args)
}
