/** What one measurement found. */
export interface Measured {
  /** With its unit, as the table shows it. */
  readonly measured: string
  /** What it is compared with, measured in the same run. */
  readonly reference?: string
  /** Whether the limit holds; absent for a row that only informs. */
  readonly ok?: boolean
  /** The bare numbers, for machines; the unit stands in the name. */
  readonly figures: Readonly<Record<string, number>>
}

export interface RowOptions {
  /** Minutes the soak lasts. */
  readonly soakMinutes: number
}

/** One line of the table, and how to find out what stands in it. */
export interface Row {
  /** Words the command line selects it by. */
  readonly tags: readonly string[]
  readonly name: string
  /** `–` for a row that only informs. */
  readonly limit: string
  /** Ends what it started, also when it throws. */
  run(options: RowOptions): Promise<Measured>
}
