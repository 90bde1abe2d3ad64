/** What somebody is in the home. What a role may do, and whether it decides alone, the configuration can change. */
export const ROLES = ['owner', 'adult', 'child', 'guest', 'service'] as const
export type Role = (typeof ROLES)[number]

export interface RoleRules {
  /** Grants of everybody in the role who has none of their own. */
  readonly scopes: readonly string[]
  /** Whether a destructive call runs at once; else it waits until somebody who may decide allows it. */
  readonly decidesAlone: boolean
}
