import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { OfflineAudit } from '../adapters/cli/hub.ts'
import type { Config } from '../config.ts'
import { openAuditTable } from '../engines/audit/audit-table.ts'
import { readChainKeys } from '../engines/audit/chain-keys.ts'
import { ChainSigner } from '../engines/audit/chain.ts'
import { openHeadFile } from '../engines/audit/head-file.ts'
import { verifyLines } from '../engines/audit/lines.ts'
import { verify } from '../engines/audit/verification.ts'
import { openPostgresOnDemand } from '../engines/store/postgres-on-demand.ts'
import { DATABASE_FILE, openSqlite } from '../engines/store/sqlite.ts'
import { systemClock } from '../kernel/clock.ts'
import { Fault } from '../kernel/fault.ts'
import { silentLog } from '../kernel/log.ts'
import { AUDIT_FILES, textOf } from './audit.ts'
import { withSecrets } from './config-secrets.ts'
import { keyringAt } from './secrets.ts'

/** Verifies the audit of a hub that does not run, or an export. Nothing is changed by it. */
export const offlineAudit: OfflineAudit<Config> = {
  async verify(config, { from, to }, signal) {
    const signer = signerOf(config)
    const store = await openStore(config)
    try {
      return await verify({
        table: await openAuditTable(store),
        signer,
        heads: openHeadFile({ file: fileOf(config, 'head'), clock: systemClock, log: silentLog }).heads(),
        range: {
          ...(from !== undefined && { fromMs: Date.parse(from) }),
          ...(to !== undefined && { toMs: Date.parse(to) }),
        },
        signal,
      })
    } finally {
      await store.close()
    }
  },
  verifyLines: async (config, lines) => await verifyLines(signerOf(config), lines),
}

const fileOf = ({ data }: Config, file: keyof typeof AUDIT_FILES) => textOf(join(data, AUDIT_FILES[file]), silentLog)

function signerOf(config: Config): ChainSigner {
  if (!existsSync(join(config.data, AUDIT_FILES.keys))) throw withoutKeys(config)
  const keys = readChainKeys({ file: fileOf(config, 'keys'), secrets: keyringAt(config, silentLog), log: silentLog })
  return new ChainSigner(() => keys)
}

/** Keys that are gone are another thing than a folder that never was a hub's: nothing that is on record can be believed then. */
const withoutKeys = ({ data, database }: Config): Fault =>
  database.url === undefined && !existsSync(join(data, DATABASE_FILE))
    ? new Fault('not_found', `There is no audit in ${data}, nor the keys of one.`, {
        hint: 'Name the data folder of the hub with --data, or restore a backup of it.',
      })
    : new Fault('not_found', `The keys of the audit are gone: there is no ${AUDIT_FILES.keys} in ${data}.`, {
        hint: 'Without them nothing can be verified. Put the file back, or restore a backup.',
      })

/** An empty database must not come of looking at one. */
async function openStore(config: Config) {
  const { data, database } = withSecrets(config, { of: ['database'] })
  const { url } = database
  if (url !== undefined) return await openPostgresOnDemand({ url, log: silentLog })
  const file = join(data, DATABASE_FILE)
  if (!existsSync(file)) throw new Fault('not_found', `There is no database in ${data}.`)
  return openSqlite({ file, log: silentLog })
}
