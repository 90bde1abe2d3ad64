import { Option, type Command } from 'commander'
import type { BrokerConfigFlags, CertificateFlags } from './broker.ts'
import type { Context } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { lazy } from './lazy.ts'

const changeCertificates = lazy(async () => (await import('./broker.ts')).changeCertificates)
const makePassword = lazy(async () => (await import('./broker.ts')).makePassword)
const writeBrokerConfig = lazy(async () => (await import('./broker.ts')).writeBrokerConfig)

export interface BrokerCommands<Config extends HubConfig> {
  readonly program: Command
  readonly context: Context<Config>
  ends(command: Promise<Exit>): Promise<void>
  /** Adds the flags that lead to a running hub. */
  withHub(command: Command): Command
}

const FOLDER = ['[folder]', 'where the files are', 'mosquitto'] as const

/** Commands about a Mosquitto of one's own. */
export function addBrokerCommands<Config extends HubConfig>(parts: BrokerCommands<Config>): void {
  const { program, context, ends, withHub } = parts
  const broker = program.command('broker').description('files for a Mosquitto of your own')
  withSet(withHub(broker.command('config').description('write settings, access, passwords and certificates for it')))
    .argument(...FOLDER)
    .option('--at <path>', 'where the files will be for Mosquitto, if that is elsewhere')
    .addOption(new Option('--mosquitto <version>', 'its version').choices(['2.0', '2.1']).default('2.0'))
    .option('--plugins <path>', 'the folder of its plugins, for 2.1')
    .option('--topic <filter...>', 'topics of the home, for whoever may everything')
    .option('--client-certificates', 'let nobody in who shows no certificate of ours')
    .option('--no-people', 'users of the configuration alone; no hub has to run')
    .action((folder: string, flags: BrokerConfigFlags) => ends(writeBrokerConfig(context, folder, flags)))
  withSet(broker.command('certificates').description('renew its certificates, or make one for a client'))
    .argument(...FOLDER)
    .option('--rotate', 'a new one of the server, by the same authority')
    .option('--rotate-authority', 'a new authority beside the old one; everybody has to trust both first')
    .option('--client <name>', 'one for a client, in files of its own')
    .action((folder: string, flags: CertificateFlags) => ends(changeCertificates(context, folder, flags)))
  broker
    .command('password')
    .description('make a password for somebody at that broker; it is shown once')
    .argument('<name>', 'whose it is')
    .argument(...FOLDER)
    .option('--reload <pid-file>', 'have Mosquitto read it')
    .action((name: string, folder: string, flags: { reload?: string }) =>
      ends(makePassword(context, name, { folder, ...flags })),
    )
}

const withSet = (command: Command): Command =>
  command
    .option('--host <name...>', 'names and addresses by which clients reach it')
    .option('--dry-run', 'show what would be written')
    .option('--force', 'overwrite what was changed by hand as well')
    .option('--reload <pid-file>', 'have Mosquitto read what changed')
