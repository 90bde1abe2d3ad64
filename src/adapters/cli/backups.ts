/** What opens a backup. */
export type BackupSecret =
  | { readonly is: 'passphrase'; readonly passphrase: string }
  | { readonly is: 'recovery'; readonly key: string }

interface Running {
  readonly signal: AbortSignal
  /** Bytes, of so many. */
  onProgress(done: number, total: number): void
}

export interface BackupRequest extends Running {
  /** Absolute. */
  readonly file: string
  readonly overwrite: boolean
  readonly secret: BackupSecret
}

export interface RestoreRequest extends Running {
  readonly file: string
  /** Move what is there aside. */
  readonly replace: boolean
  /** Asked once it is known what the backup was made with. */
  secret(is: BackupSecret['is']): Promise<BackupSecret>
  /** Of the command line: they count after the restore as well. */
  readonly flags: Readonly<Record<string, unknown>>
}

export interface Restored {
  /** ISO 8601. */
  readonly created: string
  /** Of the program that made it. */
  readonly version: string
  readonly files: number
  /** Absolute: the folder with what was there before. */
  readonly aside?: string
  /** Files that lay elsewhere: each by where it is now. */
  readonly moved: Readonly<Record<string, string>>
}

/** Everything a hub keeps, in one encrypted file; whether it runs or not. Methods throw Fault. */
export interface Backups<Config> {
  newRecoveryKey(): Promise<string>
  make(config: Config, request: BackupRequest): Promise<{ readonly bytes: number; readonly files: number }>
  restore(config: Config, request: RestoreRequest): Promise<Restored>
}
