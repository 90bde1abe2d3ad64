import type { SecurityEvent } from '../../kernel/audit.ts'
import { Fault } from '../../kernel/fault.ts'
import type { AttemptFrom } from '../../kernel/people.ts'
import type { Accounts, SignedIn } from './accounts.ts'

export type Note = (event: SecurityEvent) => void

/** A longer name is nobody's, and whoever guesses must not fill the disk with it. */
const LONGEST_NAME = 64

/** The same, and every attempt to sign in is on record: whoever guesses here leaves the trace that they leave elsewhere. */
export function notedAccounts(accounts: Accounts, note: Note): Accounts {
  const noted = async (by: string, from: AttemptFrom, trying: Promise<SignedIn>, name?: string): Promise<SignedIn> => {
    const common = { ...from, details: { with: by, at: 'authorization server' } }
    try {
      const signedIn = await trying
      const { id, name: own } = signedIn.account
      note({ kind: 'login.succeeded', outcome: 'ok', ...common, who: { id, name: own } })
      return signedIn
    } catch (error) {
      const outcome = error instanceof Fault ? error.code : 'internal'
      note({
        kind: 'login.failed',
        outcome,
        ...common,
        ...(name !== undefined && { who: { name: name.slice(0, LONGEST_NAME) } }),
      })
      throw error
    }
  }
  return {
    find: (id) => accounts.find(id),
    get hasPasswords() {
      return accounts.hasPasswords
    },
    byPassword: (name, password, from) => noted('password', from, accounts.byPassword(name, password, from), name),
    byCode: (code, from) => noted('pairing', from, accounts.byCode(code, from)),
    byToken: (token, from) => noted('token', from, accounts.byToken(token, from)),
  }
}
