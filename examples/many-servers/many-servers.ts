/**
 * Three MCP servers from npm behind one address. A client has one entry, and a tool of each server; one of them is
 * killed in between, and the client does not notice.
 *
 *     npx node examples/many-servers/many-servers.ts
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { SERVERS } from '../../e2e/support/servers.ts'
import { startServerHub, textOf } from '../support/server-hub.ts'

let note = ''
await using hub = await startServerHub((home) => {
  note = join(home.folder, 'note.txt')
  writeFileSync(note, 'Water the plants.')
  return {
    mcpServers: {
      everything: SERVERS.everything(),
      files: SERVERS.filesystem(home),
      memory: SERVERS.memory(home),
    },
  }
})

const client = await hub.connect()
const { tools } = await client.listTools()
console.log(`One address, ${tools.length} tools.`)

const call = async (name: string, input: Record<string, unknown>) => {
  const result = await client.callTool({ name, arguments: input })
  assert.ok(!result.isError, textOf(result))
  return textOf(result)
}

console.log(`everything: ${await call('echo', { message: 'hello' })}`)
const todo = await call('read_text_file', { path: note })
assert.equal(todo, 'Water the plants.')
console.log(`files: ${todo}`)
await call('create_entities', { entities: [{ name: 'plants', entityType: 'chore', observations: [todo] }] })

// Somebody kills the memory. It is started again at once, and a call that comes meanwhile waits for it.
const { lines } = await hub.result('gateway.read_server_log', { name: 'memory' })
const started = (lines as { text: string }[]).findLast(({ text }) => /process \d+/.test(text))
process.kill(Number(/\d+/.exec(started?.text ?? '')?.[0]), 'SIGKILL')
const found = await call('search_nodes', { query: 'plants' })
assert.match(found, /Water the plants/)
const memory = await hub.result('gateway.inspect_server', { name: 'memory' })
console.log(`memory: killed, started again (${String(memory['restarts'])}), and it remembers the plants.`)
assert.equal(memory['restarts'], 1)
