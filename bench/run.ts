import process from 'node:process'
import { parseArgs } from 'node:util'
import type { Measured, Row } from './row.ts'
import { auditCrash } from './rows/audit-crash.ts'
import { accessToken } from './rows/access-token.ts'
import { fallback } from './rows/fallback.ts'
import { killedUpstreams } from './rows/killed-upstreams.ts'
import { loginFlood } from './rows/login-flood.ts'
import { brokers } from './rows/brokers.ts'
import { bus } from './rows/bus.ts'
import { firehoseRows } from './rows/firehose.ts'
import { invokeCost } from './rows/invoke-cost.ts'
import { mcpSession } from './rows/mcp-session.ts'
import { mcpStateless } from './rows/mcp-stateless.ts'
import { manyUpstreams } from './rows/many-upstreams.ts'
import { memory } from './rows/memory.ts'
import { mqttIndex } from './rows/mqtt-index.ts'
import { mqttRequest } from './rows/mqtt-request.ts'
import { relayRows } from './rows/relay.ts'
import { registry } from './rows/registry.ts'
import { rest } from './rows/rest.ts'
import { schemaInference } from './rows/schema.ts'
import { securityCost } from './rows/security-cost.ts'
import { sdk } from './rows/sdk.ts'
import { soak } from './rows/soak.ts'
import { start } from './rows/start.ts'
import { fixtureTokens } from './rows/tokens.ts'
import { toolSearch } from './rows/tool-search.ts'
import { header, lineOf } from './table.ts'

/** `npm run bench [-- [--json] [--soak <minutes>] [words of rows]]`: one table, each row against its limit. */
const ROWS: readonly Row[] = [
  ...rest,
  ...mcpStateless,
  ...mcpSession,
  ...relayRows,
  ...fallback,
  killedUpstreams,
  ...manyUpstreams,
  ...mqttRequest,
  ...bus,
  ...firehoseRows,
  ...mqttIndex,
  fixtureTokens,
  brokers,
  registry,
  schemaInference,
  ...toolSearch,
  start,
  ...memory,
  soak,
  sdk,
  invokeCost,
  securityCost,
  ...loginFlood,
  accessToken,
  auditCrash,
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, soak: { type: 'string', default: '2' } },
})
const soakMinutes = Number(values.soak)
const chosen = ROWS.filter(
  ({ tags, name }) =>
    positionals.length === 0 || positionals.some((word) => tags.includes(word) || name.includes(word)),
)
const known = [...new Set(ROWS.flatMap(({ tags }) => tags))].join(', ')
if (chosen.length === 0) throw new Error(`No row has ${positionals.join(' or ')} in it. Words: ${known}.`)
if (!(soakMinutes > 0)) throw new Error('--soak takes minutes, such as 10.')

const results: { row: Row; measured: Measured }[] = []
if (!values.json) process.stdout.write(header())
for (const row of chosen) {
  const measured = await row.run({ soakMinutes })
  results.push({ row, measured })
  if (!values.json) process.stdout.write(lineOf(row, measured))
}
if (values.json) process.stdout.write(`${JSON.stringify(results.map(asJson), undefined, 2)}\n`)
process.exitCode = results.some(({ measured }) => measured.ok === false) ? 1 : 0

function asJson({ row: { name, limit }, measured }: { row: Row; measured: Measured }) {
  return { name, limit, ...measured }
}
