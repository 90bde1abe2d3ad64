import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENTS, type ClientKind } from '../support/mcp-client.ts'
import { everyPlace } from '../support/places.ts'
import { SERVERS } from '../support/servers.ts'

everyPlace('server-memory', SERVERS.memory, (place) => {
  for (const kind of Object.keys(CLIENTS) as ClientKind[])
    test(`${kind}: remembers for everybody`, async (t) => {
      const [client, other] = await Promise.all([CLIENTS[kind](t, place().server), CLIENTS[kind](t, place().server)])
      const entity = { name: kind, entityType: 'client', observations: ['likes tea'] }
      const created = await client.call('create_entities', { entities: [entity] })
      assert.deepEqual(created['structuredContent'], { entities: [entity] })
      const found = await other.call('search_nodes', { query: kind })
      assert.deepEqual(found['structuredContent'], { entities: [entity], relations: [] })
      const resources = await client.list('resources')
      assert.ok(resources.some(({ uri }) => uri === 'memory://knowledge-graph'))
      const { contents } = await client.request('resources/read', { uri: 'memory://knowledge-graph' })
      assert.match(JSON.stringify(contents), /likes tea/)
    })
})
