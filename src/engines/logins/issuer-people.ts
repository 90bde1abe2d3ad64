import type { JWTPayload } from 'jose'
import { hashToken } from '../../kernel/identity.ts'
import type { PeopleKeeper } from '../../kernel/people.ts'
import { ROLES, type Role } from '../../kernel/role.ts'
import { subjectOf, type Subject } from './subject.ts'

/** Whom the tokens of another issuer stand for. */
export interface IssuerPeople {
  /** Names of people here, by the issuer's `sub`, or by an address of theirs that it has verified. */
  readonly people: Readonly<Record<string, string>>
  /** Where the token names roles or groups: `groups`, `realm_access.roles`. */
  readonly roleClaim?: string
  /** Roles here, by what stands there. */
  readonly roles: Readonly<Record<string, Role>>
}

/** Undefined: nobody that the configuration speaks of. A person counts before a role. */
export function issuerSubject(
  payload: JWTPayload & { readonly sub: string },
  { people: named, roleClaim, roles }: IssuerPeople,
  people: Pick<PeopleKeeper, 'get' | 'named' | 'roles'>,
): Subject | undefined {
  const { sub, email, email_verified: isVerified } = payload
  const name = own(named, sub) ?? (typeof email === 'string' && isVerified === true ? own(named, email) : undefined)
  if (name !== undefined) return subjectOf(people.named(name)?.id ?? '', people)
  const claimed = roleClaim === undefined ? [] : textsAt(payload, roleClaim)
  const given = new Set(claimed.map((text) => own(roles, text)))
  // The one that may most, in the order of the table.
  const role = ROLES.find((one) => given.has(one))
  if (role === undefined) return undefined
  const id = `issuer-${hashToken(`${payload.iss} ${sub}`).slice(0, 24)}`
  return { id, name: nameOf(payload) ?? id, role, scopes: people.roles[role].scopes, sinceMs: 0 }
}

/** Not what every object has. */
const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined

/** What stands at a dotted path: a text, or several. */
function textsAt(payload: JWTPayload, path: string): readonly string[] {
  // A claim may have dots in its own name: https://home.example/roles.
  const value = own(payload, path) ?? path.split('.').reduce<unknown>(memberOf, payload)
  return [value].flat().filter((text) => typeof text === 'string')
}

const memberOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined

function nameOf({ preferred_username: name }: JWTPayload): string | undefined {
  return typeof name === 'string' && /^[\w.@-]{1,60}$/.test(name) ? name : undefined
}
