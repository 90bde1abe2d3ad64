/**
 * A profile for a child: an address of its own where three tools are listed and no other can be called. A profile says
 * what is there; what somebody may do is a matter of their token, which is why the child's has one scope.
 *
 *     npx node examples/profile/profile.ts
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SERVERS } from '../../e2e/support/servers.ts'
import { startServerHub, textOf } from '../support/server-hub.ts'

let story = ''
await using hub = await startServerHub((home) => {
  story = join(home.folder, 'story.txt')
  writeFileSync(story, 'Once upon a time')
  return {
    mcpServers: { files: SERVERS.filesystem(home), memory: SERVERS.memory(home) },
    profiles: {
      child: { servers: ['files'], tools: ['read_text_file', 'list_directory', 'search_files'] },
    },
  }
})

const made = await hub.result('tokens.create_token', { name: 'child', scopes: ['mcp:files'] })
const child = await hub.connect('child', String(made['token']))
const { tools } = await child.listTools()
// The hub's own read_result is in every profile: with it the rest of a long answer is read.
const names = tools.map(({ name }) => name).filter((name) => name !== 'read_result')
console.log(`The child sees ${names.sort().join(', ')}.`)
assert.deepEqual(names, ['list_directory', 'read_text_file', 'search_files'])

const read = await child.callTool({ name: 'read_text_file', arguments: { path: story } })
assert.equal(textOf(read), 'Once upon a time')

const write = { name: 'write_file', arguments: { path: story, content: 'The end.' } }
await assert.rejects(child.callTool(write), (error: Error) => {
  console.log(`write_file: ${error.message}`)
  return /no tool called "write_file"/.test(error.message)
})

// At the address of everything, the same token has no more than its scope.
const elsewhere = await hub.connect(undefined, String(made['token']))
await assert.rejects(elsewhere.callTool({ name: 'read_graph', arguments: {} }), (error: Error) => {
  console.log(`read_graph: ${error.message}`)
  return /mcp:memory/.test(error.message)
})
