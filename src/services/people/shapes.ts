import { z } from 'zod'
import { PERSON_NAME, type PeopleKeeper, type Person } from '../../kernel/people.ts'
import { Fault } from '../../kernel/fault.ts'
import { ROLES } from '../../kernel/role.ts'
import { GRANT_PATTERN } from '../../kernel/scope.ts'

export interface Deps {
  readonly people: PeopleKeeper
  readonly origin: () => string
}

export const Name = z
  .string()
  .trim()
  .toLowerCase()
  .regex(PERSON_NAME, '1 to 32 of a to z, 0 to 9, and . _ - inside')
  .describe('What they log in with')

export const RoleName = z.enum(ROLES)

export const Scopes = z
  .array(z.string().max(500).regex(GRANT_PATTERN, 'expected area:verb, area:* or *, and perhaps @room/<name>'))
  .max(100)

/** Told to nobody but the hub: what a model hears, others may hear. */
export const Password = z.string().max(2000)

export const Info = z.object({
  name: z.string(),
  role: RoleName,
  scopes: z.array(z.string()),
  has_password: z.boolean(),
  disabled: z.boolean(),
  created_at: z.iso.datetime(),
})

export const infoOf = ({ name, role, scopes, hasPassword, isDisabled, createdMs }: Person): z.input<typeof Info> => ({
  name,
  role,
  scopes: [...scopes],
  has_password: hasPassword,
  disabled: isDisabled,
  created_at: iso(createdMs),
})

export const iso = (ms: number): string => new Date(ms).toISOString()

/** Throws Fault `not_found`. */
export function personNamed(people: PeopleKeeper, name: string): Person {
  const person = people.named(name)
  if (person) return person
  throw new Fault('not_found', `There is nobody called ${name}.`, { hint: 'list_people shows those there are.' })
}
