/** The keys of a hub that does not run. */
export interface OfflineKeys<Config> {
  /** As `security.list_keys` shows them. Throws Fault. */
  list(config: Config): unknown
  /** Throws Fault `not_found`, `conflict` where the key is not the hub's to change. */
  rotate(config: Config, name: string): void
}
