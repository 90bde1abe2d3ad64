import type { Caller } from '../../../kernel/caller.ts'
import { Fault } from '../../../kernel/fault.ts'
import { HUB_KEY, ROOT_KEY, type KeyReport, type Keys } from '../../../kernel/keys.ts'
import { covers } from '../../../kernel/scope.ts'

/** Whom a key that this caller makes belongs to: the person, whatever they came with. */
export const makerOf = (caller: Caller): string => caller.person ?? caller.id

/** Whether the caller may do everything there is: what belongs to the hub itself is theirs to change. */
export const isOverAll = ({ scopes }: Caller): boolean => covers(scopes, '*')

/** Whether the caller may encrypt and decrypt with that key. Whoever is over all is not above the isolation of others' keys. */
export function mayUseKey(caller: Caller, { name, maker, access }: KeyReport): boolean {
  if (name === HUB_KEY) return false
  switch (access.is) {
    case 'everyone':
      return true
    case 'maker':
      return makerOf(caller) === maker
    case 'grant':
      return makerOf(caller) === maker || covers(caller.scopes, access.grant)
  }
}

/** Whether the caller may rotate the key and destroy its versions. */
export const mayManageKey = (caller: Caller, { maker }: KeyReport): boolean =>
  isOverAll(caller) || makerOf(caller) === maker

/** Throws Fault `not_found`: whether there is such a key is nobody's business who may not change it. */
export function managedKey(keys: Keys, caller: Caller, name: string): KeyReport {
  const key = keys.get(name)
  if (key && mayManageKey(caller, key)) return key
  throw noSuchKey(name)
}

/** Throws Fault `not_found`, of a key that there is not as of one that is somebody else's. */
export function usableKey(keys: Keys, caller: Caller, name: string): KeyReport {
  const key = keys.get(name)
  if (key && mayUseKey(caller, key)) return key
  throw noSuchKey(name)
}

export function refuseRoot(caller: Caller): void {
  if (!isOverAll(caller)) throw noSuchKey(ROOT_KEY)
}

const noSuchKey = (name: string) =>
  new Fault('not_found', `There is no key called ${name} for you.`, { hint: 'list_keys shows those you have.' })
