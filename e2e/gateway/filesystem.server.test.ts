import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Home } from '../support/hub.ts'
import { CAPABILITIES, CLIENTS, textOf, type ClientKind, type McpClient } from '../support/mcp-client.ts'
import { everyPlace } from '../support/places.ts'
import { within } from '../support/program.ts'
import { SERVERS } from '../support/servers.ts'

const { roots: _, ...WITHOUT_ROOTS } = CAPABILITIES

everyPlace('server-filesystem', SERVERS.filesystem, (place) => {
  for (const kind of Object.keys(CLIENTS) as ClientKind[])
    test(`${kind}: reads, writes and refuses`, async (t) => {
      const { home, server } = place()
      const client = await CLIENTS[kind](t, server, WITHOUT_ROOTS)
      const path = join(home.folder, 'note.txt')
      writeFileSync(path, 'Grüße\n')
      const read = await client.call('read_text_file', { path })
      assert.equal(textOf(read), 'Grüße\n')
      assert.deepEqual(read['structuredContent'], { content: 'Grüße\n' })
      await client.call('write_file', { path, content: 'x'.repeat(1_000_000) })
      assert.equal(readFileSync(path, 'utf8').length, 1_000_000)
      assert.equal(textOf(await client.call('read_text_file', { path })).length, 1_000_000)
      const refused = await client.call('read_text_file', { path: '/etc/hostname' })
      assert.equal(refused['isError'], true)
      assert.match(textOf(refused), /Access denied/)
    })
})

// It asks for roots outside any call and keeps them: each client needs a server of its own.
const perClient = (home: Home) => ({ ...SERVERS.filesystem(home), sharing: 'per_client' })

everyPlace('server-filesystem, one for each client', perClient, (place) => {
  for (const kind of ['SDK v1', 'SDK v2, old era'] as const)
    test(`${kind}: works in the roots of its client`, async (t) => {
      const client = await CLIENTS[kind](t, place().server)
      await within(allowed(client, '/tmp'), 'the roots of the client in effect')
      assert.equal(client.questions[0]?.method, 'roots/list')
    })
})

/** Resolves when this is the only folder that the server allows. */
async function allowed(client: McpClient, folder: string): Promise<void> {
  for (;;) {
    if (textOf(await client.call('list_allowed_directories')).split('\n')[1] === folder) return
    // The hub refuses whoever asks too often.
    await delay(20)
  }
}
