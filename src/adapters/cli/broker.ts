import { Fault } from '../../kernel/fault.ts'
import type { BrokerFileChange, BrokerFiles, BrokerPerson } from './broker-files.ts'
import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import { hubClient } from './hub-client.ts'
import type { HubConfig } from './hub.ts'
import { harmless, styleFor } from './style.ts'
import { write, type Terminal } from './terminal.ts'

export interface SetFlags {
  readonly host?: readonly string[]
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly reload?: string
}

export interface BrokerConfigFlags extends HubFlags, SetFlags {
  readonly at?: string
  readonly mosquitto: '2.0' | '2.1'
  readonly plugins?: string
  readonly topic?: readonly string[]
  readonly clientCertificates?: boolean
  /** `false` by `--no-people`. */
  readonly people?: boolean
}

/** `alicia broker config [folder]`: a complete set of files, made or brought up to date. */
export async function writeBrokerConfig<Config extends HubConfig>(
  context: Context<Config>,
  folder: string,
  flags: BrokerConfigFlags,
): Promise<Exit> {
  const { composition, terminal } = context
  const people = flags.people === false ? [] : await peopleOf(context, flags)
  const files = await filesOf(context)
  const result = files.write(composition.loadConfig(hubFlags({ ...flags })), {
    folder,
    dialect: flags.mosquitto,
    people,
    requiresCertificates: flags.clientCertificates ?? false,
    ...setOptions(flags),
    ...(flags.at !== undefined && { at: flags.at }),
    ...(flags.plugins !== undefined && { pluginFolder: flags.plugins }),
    ...(flags.topic !== undefined && { topics: flags.topic }),
  })
  if (flags.json) await print(terminal, result, true)
  else {
    await showChanges(terminal, result.changes, flags)
    await showRest(terminal, folder, result)
  }
  reloadIfAsked(files, result.changes, flags)
  return 'ok'
}

export interface CertificateFlags extends SetFlags {
  readonly rotate?: boolean
  readonly rotateAuthority?: boolean
  readonly client?: string
}

/** `alicia broker certificates [folder] --rotate` */
export async function changeCertificates<Config extends HubConfig>(
  context: Context<Config>,
  folder: string,
  flags: CertificateFlags,
): Promise<Exit> {
  if (flags.rotate && flags.rotateAuthority)
    throw new Fault('invalid_input', 'A new authority and a new certificate by it are two steps.', {
      hint: 'First --rotate-authority; when every client has the new ca.crt, --rotate.',
    })
  const files = await filesOf(context)
  const rotate = flags.rotateAuthority ? 'authority' : flags.rotate ? 'server' : undefined
  const changes =
    flags.client === undefined
      ? files.certificates({ folder, ...setOptions(flags), ...(rotate && { rotate }) })
      : files.clientCertificate(folder, flags.client)
  await showChanges(context.terminal, changes, flags)
  if (flags.rotateAuthority)
    await write(context.terminal.stderr, 'Give ca.crt to the hub and every client, and only then: --rotate\n')
  reloadIfAsked(files, changes, flags)
  return 'ok'
}

/** `alicia broker password <name> [folder]`: the password alone on stdout; it is never shown again. */
export async function makePassword<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  { folder, reload }: { readonly folder: string; readonly reload?: string },
): Promise<Exit> {
  const { terminal } = context
  const files = await filesOf(context)
  const password = files.password(folder, name)
  await write(terminal.stdout, `${password}\n`)
  await write(terminal.stderr, `${harmless(name)} logs in with it at that broker. Keep it: it is not shown again.\n`)
  if (reload !== undefined) files.reload(reload)
  return 'ok'
}

async function filesOf<Config extends HubConfig>({ composition }: Context<Config>): Promise<BrokerFiles<Config>> {
  if (composition.brokerFiles) return await composition.brokerFiles()
  throw new Fault('unavailable', 'This build writes no files for brokers.')
}

const setOptions = ({ host, dryRun = false, force = false }: SetFlags) => ({
  isDry: dryRun,
  force,
  ...(host !== undefined && { hosts: host }),
})

/** `--host` is the broker's here, and not where the hub listens. */
const hubFlags = <Flags extends object>(flags: Flags): Flags => ({ ...flags, host: undefined })

/** Who may do what is the hub's to say. Throws `HubUnreachable` when none runs. */
async function peopleOf<Config extends HubConfig>(context: Context<Config>, flags: HubFlags): Promise<BrokerPerson[]> {
  const client = hubClient(addressOf(context, hubFlags(flags)))
  const result = await cancellable(context, (signal) => client.call('people.list_people', {}, { signal }))
  const { people = [] } = result as { people?: readonly (BrokerPerson & { disabled: boolean })[] }
  return people.filter(({ disabled }) => !disabled).map(({ name, scopes }) => ({ name, scopes }))
}

async function showChanges(
  { stdout, env }: Terminal,
  changes: readonly BrokerFileChange[],
  { dryRun = false }: SetFlags,
): Promise<void> {
  const { dim, yellow } = styleFor(stdout, env)
  const words = {
    written: dryRun ? 'would be written' : 'written',
    unchanged: dim('unchanged'),
    kept: yellow('changed by hand: left alone (--force overwrites it)'),
  }
  for (const { name, change } of changes) await write(stdout, `${name.padEnd(16)} ${words[change]}\n`)
}

async function showRest(
  { stderr }: Terminal,
  folder: string,
  { withoutPassword, left }: { withoutPassword: readonly string[]; left: readonly string[] },
): Promise<void> {
  const lines = [
    ...(withoutPassword.length === 0
      ? []
      : [
          `Without a password at the broker: ${withoutPassword.join(', ')}. \`alicia broker password <name> ${folder}\` makes one.`,
        ]),
    ...left.map((filter) => `Left out, because an access file cannot say it: ${filter}`),
  ]
  for (const line of lines) await write(stderr, `${harmless(line)}\n`)
}

/** Settings are read at a start alone. */
function reloadIfAsked(
  files: Pick<BrokerFiles<never>, 'reload'>,
  changes: readonly BrokerFileChange[],
  { reload, dryRun = false }: SetFlags,
): void {
  const isChanged = changes.some(({ name, change }) => change === 'written' && /^(?:acl|passwords|.*\.crt)$/.test(name))
  if (reload !== undefined && isChanged && !dryRun) files.reload(reload)
}
