/**
 * Something that two servers can do, under one name. The first one goes down: the second one answers, and the caller is
 * told who it was and why.
 *
 *     npx node examples/fallback/fallback.ts
 */
import assert from 'node:assert/strict'
import { exampleServer, startServerHub } from '../support/server-hub.ts'

await using hub = await startServerHub(() => ({
  mcpServers: {
    near: exampleServer('weather-server', 'rain, says the station in the garden'),
    far: exampleServer('weather-server', 'rain, says the satellite'),
  },
  capabilities: {
    weather_tomorrow: {
      description: 'The weather tomorrow.',
      providers: [
        { tool: 'near.forecast', result: '{{result.text}}' },
        { tool: 'far.forecast', result: '{{result.text}}' },
      ],
    },
  },
}))

const client = await hub.connect()

const ask = async () => {
  const input = { capability: 'weather_tomorrow' }
  const { structuredContent, isError, content } = await client.callTool({
    name: 'execute_capability',
    arguments: input,
  })
  assert.ok(!isError, JSON.stringify(content))
  const answer = structuredContent as { result: unknown; answered_by: string; why: string }
  console.log(`${answer.answered_by}: ${String(answer.result)}. (${answer.why})`)
  return answer.answered_by
}

assert.equal(await ask(), 'near')

await hub.result('gateway.stop_server', { name: 'near' })
assert.equal(await ask(), 'far')

await hub.result('gateway.start_server', { name: 'near' })
assert.equal(await ask(), 'near')
