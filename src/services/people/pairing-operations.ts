import { z } from 'zod'
import { mayUse, type Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import { operation } from '../../kernel/operation.ts'
import type { Pairing, PeopleKeeper } from '../../kernel/people.ts'
import { themselves } from './password-operation.ts'
import { refuseLent, requireOver, requireToGive } from './rights.ts'
import { iso, Name, personNamed, Scopes, type Deps } from './shapes.ts'

const DEFAULT_MINUTES = 10
const MOST_MINUTES = 24 * 60

const Info = z.object({
  id: z.string(),
  name: z.string().describe('Whom it lets in'),
  scopes: z.array(z.string()),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
})

export const pair = operation<Deps>()({
  name: 'people.pair',
  summary: 'Make a code that lets a phone or a browser in, once. For people, not for models.',
  description:
    'Your own device, or with people:write somebody else’s. Show the address as a QR code, or read the code out.',
  scope: 'people:own',
  effect: 'write',
  forModels: false,
  input: z.object({
    name: Name.optional().describe('Whom it lets in; absent: you'),
    scopes: Scopes.min(1).optional().describe('Absent: all that the person may'),
    expires_in_minutes: z.int().min(1).max(MOST_MINUTES).default(DEFAULT_MINUTES),
  }),
  output: Info.extend({
    code: z.string().describe('Shown this once'),
    url: z.string().describe('What to open there; it holds the code where no server log sees it'),
  }),
  async handler({ name, scopes, expires_in_minutes: minutes }, { people, origin, caller }) {
    const person = name === undefined ? themselves(people, caller) : personNamed(people, name)
    if (person.id === caller.person) refuseLent(caller, 'make a pairing code')
    else {
      requireWrite(caller)
      requireOver(caller, person)
    }
    const wanted = scopes ?? person.scopes
    requireToGive(caller, wanted)
    if (person.isDisabled)
      throw new Fault('conflict', `${person.name} is disabled.`, { hint: `\`alicia user enable ${person.name}\`.` })
    const made = await people.pair(person.id, {
      scopes: wanted,
      createdBy: caller.person ?? caller.id,
      lifeMs: minutes * 60_000,
    })
    // The fragment stays in the browser: no proxy and no log gets to see it.
    return { ...infoOf(made, person.name), code: made.code, url: `${origin()}/pair#${made.code}` }
  },
})

export const listPairings = operation<Deps>()({
  name: 'people.list_pairings',
  summary: 'The pairing codes that can still be used, without the codes themselves.',
  scope: 'people:read',
  effect: 'read',
  route: { method: 'GET', path: '/pairings' },
  input: z.object({}),
  output: z.object({ pairings: z.array(Info) }),
  handler: async (_, { people }) => ({
    pairings: (await people.pairings()).map((pairing) => infoOf(pairing, nameOf(people, pairing))),
  }),
})

export const cancelPairing = operation<Deps>()({
  name: 'people.cancel_pairing',
  summary: 'Make a pairing code worthless before somebody uses it.',
  scope: 'people:write',
  effect: 'write',
  route: { method: 'DELETE', path: '/pairings/{id}' },
  input: z.object({ id: z.string().min(1).max(100) }),
  output: z.object({ cancelled: z.string() }),
  async handler({ id }, { people }) {
    await people.cancelPairing(id)
    return { cancelled: id }
  },
})

function requireWrite({ scopes, name }: Caller): void {
  if (mayUse(scopes, 'people:write')) return
  throw new Fault('forbidden', `${name} lacks the scope people:write that pairing somebody else needs.`, {
    hint: 'Leave the name out to pair a device of your own.',
    details: { scope: 'people:write' },
  })
}

const nameOf = (people: PeopleKeeper, { person }: Pairing): string => people.get(person)?.name ?? person

const infoOf = ({ id, scopes, createdMs, expiresMs }: Pairing, name: string): z.input<typeof Info> => ({
  id,
  name,
  scopes: [...scopes],
  created_at: iso(createdMs),
  expires_at: iso(expiresMs),
})
