import { after, before, suite } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { emptyHome, type Ending, type Home, type TestHub } from './hub.ts'
import type { Server } from './mcp-client.ts'
import { within } from './program.ts'
import { startHubWith, type Command } from './servers.ts'

/** Where a client meets a server: what is true of it directly has to be true behind the hub. */
const PLACES: Readonly<
  Record<string, (ending: Ending, server: (home: Home) => Command, nature: Nature) => Promise<Place>>
> = {
  async direct(ending, server) {
    const home = emptyHome(ending)
    return { home, server: server(home) }
  },
  async 'through the hub'(ending, server, { greets = false }) {
    const hub = await startHubWith(ending, (inside) => ({ upstream: server(inside) }))
    if (greets) await within(knownToAsk(hub), 'the hub to learn that the server asks its clients')
    return { home: hub.home, server: { url: hub.urls.mcp, token: hub.token } }
  },
}

export interface Nature {
  /** The server asks for roots a moment after its start: from then on the hub gives each client its own. */
  readonly greets?: boolean
}

async function knownToAsk(hub: TestHub): Promise<void> {
  for (;;) {
    const { sharing } = await hub.result('gateway.inspect_server', { name: 'upstream' })
    if (sharing === 'per_client') return
    await delay(50)
  }
}

export interface Place {
  /** Whose folder the server works in. */
  readonly home: Home
  readonly server: Server
}

/** The same tests for a server itself and for the hub with this server behind it. */
export function everyPlace(
  name: string,
  server: (home: Home) => Command,
  tests: (place: () => Place) => void,
  nature: Nature = {},
): void {
  for (const [where, open] of Object.entries(PLACES))
    suite(`${name}, ${where}`, () => {
      const ending = cleanUps()
      let place: Place | undefined
      before(async () => {
        place = await open(ending, server, nature)
      })
      after(ending.run)
      tests(() => {
        if (place === undefined) throw new Error(`${name} was not started.`)
        return place
      })
    })
}
