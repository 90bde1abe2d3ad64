import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openLogins } from '../../src/engines/logins/logins.ts'
import { openPeople } from '../../src/engines/people/people.ts'
import { loadSecrets } from '../../src/engines/secrets.ts'
import { openSqlite } from '../../src/engines/store/sqlite.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createEvents } from '../../src/kernel/events.ts'
import { createIdentity, type Identity } from '../../src/kernel/identity.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createLoginThrottle } from '../../src/kernel/login-throttle.ts'
import { DEFAULT_ROLES } from '../../src/kernel/role.ts'
import { temporaryFolder } from '../hub.ts'
import type { Row } from '../row.ts'
import { median } from '../statistics.ts'

const ROUNDS = 9
const CALLS = 50_000
/** Each login writes to the disk. */
const NEW_TOKENS = 200
const LIMIT_US = 3
const HUB = 'http://localhost:8765'
const OWNER_TOKEN = randomBytes(32).toString('base64url')

/** What it costs to know who holds an access token: again and again, for the first time, and where it is forged. */
export const accessToken: Row = {
  tags: ['identity', 'logins', 'kernel'],
  name: 'who holds an access token that was seen before',
  limit: `${LIMIT_US} µs`,
  async run() {
    const folder = temporaryFolder()
    const store = openSqlite({ file: join(folder, 'alicia.db'), log: silentLog })
    const parts = { store, events: createEvents(() => undefined), clock: systemClock, log: silentLog }
    const throttle = createLoginThrottle()
    const people = await openPeople({ ...parts, throttle, roles: DEFAULT_ROLES })
    const logins = await openLogins({
      ...parts,
      people,
      throttle,
      origins: { preferred: HUB, includes: (origin) => origin === HUB },
      secrets: loadSecrets({ file: join(folder, 'secret.key'), log: silentLog }),
    })
    const identity = createIdentity(OWNER_TOKEN)
    identity.addSource(logins.source)
    try {
      const { id: subject } = await people.add({ name: 'anna', role: 'adult' })
      const tokens: string[] = []
      while (tokens.length < NEW_TOKENS)
        tokens.push((await logins.issue({ subject, scopes: ['*'], client: 'bench' })).accessToken)
      // The latest: a person's older logins make room for newer ones.
      const alive = tokens.slice(-10)
      const first = median(alive.map((token) => timeUs(1, () => identity.authenticate(token, 'rest'))))
      const [token = ''] = alive
      const forged = `${token.slice(0, -8)}AAAAAAAA`
      const rounds = (calls: number, work: () => void) =>
        median(Array.from({ length: ROUNDS }, () => timeUs(calls, work)))
      const known = rounds(CALLS, () => identity.authenticate(token, 'rest'))
      const owner = rounds(CALLS, () => identity.authenticate(OWNER_TOKEN, 'rest'))
      const refused = rounds(NEW_TOKENS, () => isRefused(identity, forged))
      return {
        measured: `${known.toFixed(2)} µs`,
        reference: `owner's token ${owner.toFixed(2)} µs, first time ${first.toFixed(0)} µs, forged ${refused.toFixed(0)} µs`,
        ok: known <= LIMIT_US,
        figures: { known_us: known, owner_us: owner, first_us: first, forged_us: refused },
      }
    } finally {
      await logins.close()
      await people.close()
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

function timeUs(calls: number, work: () => void): number {
  const startMs = performance.now()
  for (let count = 0; count < calls; count++) work()
  return ((performance.now() - startMs) * 1000) / calls
}

function isRefused(identity: Identity, token: string): boolean {
  try {
    void identity.authenticate(token, 'rest')
    return false
  } catch {
    return true
  }
}
