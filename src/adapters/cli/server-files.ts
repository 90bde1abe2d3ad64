import type { Check } from './check.ts'

/** A server of the files as it may be shown: no secret in it. */
export interface ListedServer {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly transport: string
  /** Its command line or address. */
  readonly target: string
  readonly file: string
  readonly line: number
  readonly entry: unknown
  /** Why it cannot be run as it is written. */
  readonly problem?: string
}

/** Secrets with a name. */
export interface SecretBook {
  list(): readonly { readonly name: string; readonly changed: string }[]
  set(name: string, value: string): void
  /** Whether there was one. */
  remove(name: string): boolean
}

/** A server that another client has. */
export interface ImportableServer {
  readonly name: string
  /** Its name here: another where that one is taken. */
  readonly as: string
  readonly target: string
  /** `same`: Alicia has it already. */
  readonly is: 'new' | 'same'
  /** What is different afterwards, and what to look at. */
  readonly notes: readonly string[]
}

/** One client's file with servers in it. */
export interface ImportSource {
  readonly client: string
  readonly title: string
  readonly file: string
  readonly servers: readonly ImportableServer[]
  /** Why the file cannot be read. */
  readonly problem?: string
}

export interface ImportChoice {
  readonly file: string
  /** Names in that file. */
  readonly servers: readonly string[]
}

export interface ImportDone {
  readonly added: readonly string[]
  /** Files that were changed, each with its copy from before; undefined: there was none. */
  readonly changed: readonly { readonly file: string; readonly backup: string | undefined }[]
}

/** The files with servers, given by the composition. Every method throws Fault. */
export interface ServerFiles {
  list(): readonly ListedServer[]
  /** By name or id; `not_found` names the nearest. */
  find(name: string): ListedServer
  add(
    name: string,
    entry: object,
    options: { readonly replace: boolean },
  ): {
    readonly id: string
    readonly file: string
    readonly warnings: readonly string[]
    /** Keys that hold a secret in cleartext. */
    readonly cleartext: readonly string[]
  }
  remove(name: string): { readonly name: string; readonly file: string }
  checks(): readonly Check[]
  readonly secrets: SecretBook
  /** What the clients of this machine have; `client` alone where one is named. */
  importable(client: string | undefined): readonly ImportSource[]
  readonly importClients: readonly string[]
  /** `replacement`: what the clients get instead of what was imported from them. */
  import(choices: readonly ImportChoice[], options: { readonly replacement?: object }): ImportDone
  /** Puts back what the last import changed: the files, or none, and copies of those that were changed since. */
  restoreImport(): { readonly restored: readonly string[]; readonly kept: readonly string[] }
}
