/** Somebody of the hub's, as far as a broker needs to know. */
export interface BrokerPerson {
  readonly name: string
  readonly scopes: readonly string[]
}

export interface BrokerFilesOptions {
  /** Where the files are. */
  readonly folder: string
  /** Where they are for Mosquitto, if it runs elsewhere. */
  readonly at?: string
  readonly dialect: '2.0' | '2.1'
  readonly pluginFolder?: string
  /** Names and addresses by which clients reach the broker. */
  readonly hosts?: readonly string[]
  /** Topic filters of the home besides those of the configuration. */
  readonly topics?: readonly string[]
  readonly people: readonly BrokerPerson[]
  readonly requiresCertificates: boolean
  readonly isDry: boolean
  readonly force: boolean
}

export interface BrokerFileChange {
  readonly name: string
  /** `kept`: changed by hand since it was written. */
  readonly change: 'written' | 'unchanged' | 'kept'
}

export interface BrokerFilesResult {
  readonly changes: readonly BrokerFileChange[]
  /** Those who cannot log in at the broker yet. */
  readonly withoutPassword: readonly string[]
  /** What the access file cannot say, and is not allowed therefore. */
  readonly left: readonly string[]
}

export interface CertificateOptions extends Pick<BrokerFilesOptions, 'folder' | 'hosts' | 'isDry' | 'force'> {
  readonly rotate?: 'server' | 'authority'
}

/** Files for a Mosquitto that the hub does not run. All throw Fault. */
export interface BrokerFiles<Config> {
  write(config: Config, options: BrokerFilesOptions): BrokerFilesResult
  certificates(options: CertificateOptions): readonly BrokerFileChange[]
  clientCertificate(folder: string, name: string): readonly BrokerFileChange[]
  /** Makes one and returns it, this once. */
  password(folder: string, name: string): string
  /** Has the Mosquitto of this pid file read what it can read anew. */
  reload(pidFile: string): void
}
