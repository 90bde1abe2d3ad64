import { nodeCheck, clockCheck, mosquittoCheck } from './check-machine.ts'
import { configSecretsCheck, folderCheck, privateFilesCheck } from './check-data.ts'
import { exposureCheck } from './check-exposure.ts'
import { databaseCheck, findingOf, hubCheck, httpCheck, mqttCheck, portCheck } from './check-hub.ts'
import { runningServersCheck, partsCheck } from './check-servers.ts'
import { placesCheck } from './missing-places.ts'
import { ok, type Check, type Finding } from './check.ts'
import { cancellable, type Context } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { columns, harmless, styleFor, type Style } from './style.ts'
import { write } from './terminal.ts'

type Result = Finding & { readonly name: string }

/** `alicia doctor`: looks at everything a hub needs and says what to do about each thing that is wrong. */
export async function doctor<Config extends HubConfig>(
  context: Context<Config>,
  flags: Readonly<Record<string, unknown>>,
): Promise<Exit> {
  const results = await cancellable(context, (signal) => examine(checksFor(context, flags), signal))
  const { stdout, env } = context.terminal
  const shown = flags['json'] === true ? JSON.stringify(results, null, 2) : report(results, styleFor(stdout, env))
  await write(stdout, `${shown}\n`)
  return results.some(({ is }) => is === 'failed') ? 'failed' : 'ok'
}

/** Side by side; one that throws has failed and stops no other. */
export function examine(checks: readonly Check[], signal: AbortSignal): Promise<Result[]> {
  return Promise.all(
    checks.map(async ({ name, run }) => {
      const finding = await run(signal).catch(findingOf)
      signal.throwIfAborted()
      return { name, ...finding }
    }),
  )
}

function checksFor<Config extends HubConfig>(
  { composition, clock }: Context<Config>,
  flags: Readonly<Record<string, unknown>>,
): Check[] {
  const machine = [nodeCheck(), clockCheck(clock)]
  let config: Config
  try {
    config = composition.loadConfig(flags)
  } catch (error) {
    // What follows depends on it.
    return [...machine, { name: 'Configuration', run: async () => findingOf(error) }]
  }
  const hub = composition.findHub(config)
  const token = tokenOf(() => composition.readToken(config))
  const isRemote = config.broker.kind === 'remote'
  const secrets = resolved(() => composition.withSecrets?.(config) ?? config, config)
  return [
    ...machine,
    { name: 'Configuration', run: async () => ok(config.file ?? 'no file; flags, environment and defaults') },
    folderCheck(config.data),
    privateFilesCheck(config.data),
    ...(config.file === undefined ? [] : [configSecretsCheck(config.file, composition.plainSecrets?.(config) ?? [])]),
    ...secrets.checks,
    exposureCheck(config),
    hubCheck(hub, composition.version),
    ...(hub ? [httpCheck(hub, token)] : portChecks(config)),
    ...(hub || isRemote ? [mqttCheck(secrets.config, hub, token)] : []),
    databaseCheck(config, (signal) => composition.checkDatabase(config, signal)),
    mosquittoCheck(config),
    ...(hub ? [partsCheck(hub, token), placesCheck(hub, token, config), runningServersCheck(hub, token)] : []),
    ...serverChecks(() => composition.servers(config).checks()),
  ]
}

/** The configuration with its secrets; where one is not set, that is a finding, and the rest is looked at all the same. */
export function resolved<Config>(resolve: () => Config, config: Config): { config: Config; checks: readonly Check[] } {
  try {
    return { config: resolve(), checks: [] }
  } catch (error) {
    return { config, checks: [{ name: 'Secrets', run: async () => findingOf(error) }] }
  }
}

/** A file that cannot be read at all is one finding. */
function serverChecks(read: () => readonly Check[]): readonly Check[] {
  try {
    return read()
  } catch (error) {
    return [{ name: 'Servers', run: async () => findingOf(error) }]
  }
}

/** A token that cannot be read is reported by what needs it. */
function tokenOf(read: () => string | undefined): string | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function portChecks({ host, port, broker }: HubConfig): Check[] {
  const http = portCheck('HTTP', { host, port, flag: '--port' })
  if (broker.kind === 'remote' || broker.port === undefined) return [http]
  return [http, portCheck('MQTT', { host: broker.host ?? host, port: broker.port, flag: '--mqtt-port' })]
}

const MARKS: Readonly<Record<Finding['is'], (style: Style) => string>> = {
  ok: ({ green }) => green('✓'),
  note: ({ dim }) => dim('–'),
  warning: ({ yellow }) => yellow('!'),
  failed: ({ red }) => red('✗'),
}

export function report(results: readonly Result[], style: Style): string {
  const rows = results.flatMap((result) => {
    const row = [MARKS[result.is](style), result.name, harmless(result.text).replaceAll('\n', ' ')]
    return 'fix' in result ? [row, ['', '', style.dim(`→ ${harmless(result.fix)}`)]] : [row]
  })
  return columns(rows).join('\n')
}
