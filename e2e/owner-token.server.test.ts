import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { startHub } from './support/hub.ts'
import { WAYS } from './support/mcp.ts'
import { connectMqtt, nextMessage, ownerLogin } from './support/mqtt.ts'

suite('another token of the owner, while the hub runs', () => {
  for (const [broker, says] of [
    ['embedded', /^The old token is no longer valid\. Give the new one to your clients\.\n$/],
    ['mosquitto', /The broker was started anew for it/],
  ] as const)
    test(`every way in takes the new one and refuses the old one at once (${broker})`, async (t) => {
      const hub = await startHub(t, { args: ['--broker', broker] })
      const before = { ...hub }
      const will = { topic: 'home/will', payload: Buffer.from('of the old token'), qos: 1, retain: true } as const
      const mqtt = await connectMqtt(t, hub.urls.mqtt, { ...ownerLogin(before), will })
      const ways = Object.entries(WAYS)
      // That one reads the token where it is kept.
      const shown = ways.filter(([name]) => name !== 'MCP over stdio')
      const assistants = await Promise.all(ways.map(([, connect]) => connect(t, before)))
      const made = await hub.result('tokens.create_token', { name: 'tablet', scopes: ['*'] })
      const tablet = String(made['token'])
      assert.equal((await hub.call('security.rotate_owner_token', {}, { token: tablet })).status, 403)

      const ended = new Promise<void>((resolve) => mqtt.once('close', () => resolve()))
      const rotated = await hub.cli(['token', 'rotate'])
      assert.equal(rotated.code, 0, rotated.stderr)
      assert.match(rotated.stderr, says)
      const token = rotated.stdout.trim()
      await ended
      assert.notEqual(token, before.token)
      assert.equal(readFileSync(join(hub.home.data, 'token'), 'utf8').trim(), token)

      assert.equal((await hub.call('mqtt.ping')).status, 401)
      for (const [at, assistant] of assistants.entries())
        await assert.rejects(assistant.call('ping'), /./, `${ways[at]?.[0]} goes on`)
      for (const [name, connect] of shown) await assert.rejects(connect(t, before), /./, name)
      await assert.rejects(connectMqtt(t, hub.urls.mqtt, ownerLogin(before)))

      assert.equal((await hub.call('mqtt.ping', {}, { token: tablet })).status, 200)
      const now = { ...hub, token }
      for (const [, connect] of ways) await (await connect(t, now)).call('ping')
      const after = await connectMqtt(t, hub.urls.mqtt, ownerLogin(now))
      if (broker === 'embedded') {
        const next = await nextMessage(after, 'home/will')
        await after.publishAsync('home/will', 'of the new one')
        assert.equal((await next()).payload.toString(), 'of the new one')
      }
      await after.endAsync()
      const found = await hub.result('audit.search_audit', { operation: 'token.rotated' }, { token })
      assert.partialDeepStrictEqual(found['entries'], [{ outcome: 'ok', via: 'rest' }])
      const again = await hub.cli(['token', 'rotate'])
      assert.equal(again.code, 0, again.stderr)
      assert.ok(!hub.stderr().includes(token))
    })
})
