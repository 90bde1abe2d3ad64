import type { DataFolder } from '../engines/data-folder.ts'
import type { Events } from '../kernel/events.ts'
import { OWNER, type Identity, type OwnerToken, type RotatedToken } from '../kernel/identity.ts'
import type { RootLog } from '../kernel/log.ts'
import type { OwnBroker } from './engines.ts'

export interface OwnerTokenOptions {
  readonly folder: Pick<DataFolder, 'rotateToken'>
  readonly identity: Pick<Identity, 'replaceOwnerToken'>
  readonly events: Pick<Events, 'emit'>
  readonly log: RootLog
  /** Undefined while it does not run. */
  broker(): OwnBroker | undefined
}

/** The owner's token of a hub that runs: in its file first, then wherever it is known. */
export function createOwnerToken({ folder, identity, events, log, broker }: OwnerTokenOptions): OwnerToken {
  const atBroker = async (token: string): Promise<RotatedToken['broker']> => {
    try {
      return (await broker()?.changeOwnerToken?.(token)) ?? 'elsewhere'
    } catch (error) {
      log.error('the broker has not taken the new token', { error })
      return 'failed'
    }
  }
  return {
    async rotate() {
      const token = folder.rotateToken()
      log.hide(token)
      identity.replaceOwnerToken(token)
      if (OWNER.credential !== undefined) events.emit('access.ended', { credential: OWNER.credential })
      return { token, broker: await atBroker(token) }
    },
  }
}
