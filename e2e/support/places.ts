import { after, before, suite } from 'node:test'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { emptyHome, type Ending, type Home } from './hub.ts'
import type { Server } from './mcp-client.ts'
import { startHubWith, type Command } from './servers.ts'

/** Where a client meets a server: what is true of it directly has to be true behind the hub. */
const PLACES: Readonly<Record<string, (ending: Ending, server: (home: Home) => Command) => Promise<Place>>> = {
  async direct(ending, server) {
    const home = emptyHome(ending)
    return { home, server: server(home) }
  },
  async 'through the hub'(ending, server) {
    const { home, urls, token } = await startHubWith(ending, (inside) => ({ upstream: server(inside) }))
    return { home, server: { url: urls.mcp, token } }
  },
}

export interface Place {
  /** Whose folder the server works in. */
  readonly home: Home
  readonly server: Server
}

/** The same tests for a server itself and for the hub with this server behind it. */
export function everyPlace(name: string, server: (home: Home) => Command, tests: (place: () => Place) => void): void {
  for (const [where, open] of Object.entries(PLACES))
    suite(`${name}, ${where}`, () => {
      const ending = cleanUps()
      let place: Place | undefined
      before(async () => {
        place = await open(ending, server)
      })
      after(ending.run)
      tests(() => {
        if (place === undefined) throw new Error(`${name} was not started.`)
        return place
      })
    })
}
