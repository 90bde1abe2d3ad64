/** What a check of `doctor` found. Only `failed` makes it exit 1. */
export type Finding =
  | { readonly is: 'ok' | 'note'; readonly text: string }
  | { readonly is: 'warning' | 'failed'; readonly text: string; readonly fix: string }

export interface Check {
  readonly name: string
  run(signal: AbortSignal): Promise<Finding>
}

export const ok = (text: string): Finding => ({ is: 'ok', text })
export const note = (text: string): Finding => ({ is: 'note', text })
export const warning = (text: string, fix: string): Finding => ({ is: 'warning', text, fix })
export const failed = (text: string, fix: string): Finding => ({ is: 'failed', text, fix })
