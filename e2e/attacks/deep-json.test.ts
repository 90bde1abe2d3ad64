import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { PATHS } from '../../src/adapters/oauth/paths.ts'
import { startHub } from '../support/hub.ts'

/** What a client says of itself when it registers. */
const CLIENT = '"redirect_uris":["https://app.example/back"],"client_name":"App"'
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
/** Breaks off 18,000 levels deep: what `JSON.parse` of Node 26.10 crashes of now and then, a few collections of garbage later. */
const BROKEN = '[1,'.repeat(18_000)
const TIMES = 20

suite('JSON that nests thousands of levels deep, from a stranger', () => {
  test('is refused before a library parses it, and the hub goes on', async (t) => {
    const hub = await startHub(t)
    const register = async (body: string) => {
      const headers = { 'content-type': 'application/json' }
      return (await fetch(new URL(PATHS.register, hub.urls.http), { method: 'POST', headers, body })).status
    }
    assert.equal(await register(`{${CLIENT},"more":${nested(4000)}}`), 201)
    assert.equal(await register(`{${CLIENT},"more":${nested(5000)}}`), 400)
    for (let count = 0; count < TIMES; count++) assert.equal(await register(BROKEN), 400)
    await hub.result('mqtt.list_active_connections')
  })
})
