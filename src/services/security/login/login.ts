import type { Operation } from '../../../kernel/operation.ts'
import { logIn, refresh } from './log-in.ts'
import { endAllLogins, endLogin, listLogins } from './logins.ts'
import { rotateOwnerToken } from './owner-token.ts'
import { logOut, validate } from './own-access.ts'
import type { LoginDeps } from './shapes.ts'
import { getSigningKeys, rotateSigningKey } from './signing-keys.ts'

export type { LoginDeps } from './shapes.ts'

export const loginOperations: readonly Operation<LoginDeps>[] = [
  logIn,
  refresh,
  validate,
  logOut,
  listLogins,
  endLogin,
  endAllLogins,
  getSigningKeys,
  rotateSigningKey,
  rotateOwnerToken,
]
