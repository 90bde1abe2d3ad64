/** What somebody is in the home. What a role may do, and whether it decides alone, the configuration can change. */
export const ROLES = ['owner', 'adult', 'child', 'guest', 'service'] as const
export type Role = (typeof ROLES)[number]

export interface RoleRules {
  /** Grants of everybody in the role who has none of their own. */
  readonly scopes: readonly string[]
  /** Whether a destructive call runs at once; else it waits until somebody who may decide allows it. */
  readonly decidesAlone: boolean
}

export type RoleTable = Readonly<Record<Role, RoleRules>>

/** What a home is used for, day by day. */
const HOME = ['mqtt:*', 'devices:*', 'capabilities:*', 'catalog:*', 'demo:*'] as const

/** Where the configuration says nothing else. Nothing can take something from the owner: somebody has to be able to mend it. */
export const DEFAULT_ROLES: RoleTable = {
  owner: { scopes: ['*'], decidesAlone: true },
  /** The home and the servers behind the hub, but not who may do what, which keys there are, and what is on record. */
  adult: {
    scopes: [
      ...HOME,
      'mcp:*',
      'gateway:*',
      'health:*',
      'metrics:*',
      'lb:*',
      'orchestrator:*',
      'approvals:*',
      'tokens:*',
      'people:own',
    ],
    decidesAlone: true,
  },
  /** Servers behind the hub can be anything, somebody's mail too: they are given one by one (`mcp:<server>`). */
  child: { scopes: [...HOME, 'health:read', 'metrics:read', 'people:own'], decidesAlone: false },
  guest: { scopes: [], decidesAlone: false },
  /** A program: nobody sits before it who could be asked, and it has no more than it was given. */
  service: { scopes: [], decidesAlone: true },
}
