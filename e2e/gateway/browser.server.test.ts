import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Ending } from '../support/hub.ts'
import { CLIENTS, textOf, type ClientKind } from '../support/mcp-client.ts'
import { everyPlace } from '../support/places.ts'
import { SERVERS } from '../support/servers.ts'

const PAGE = `<!doctype html><title>Lamps</title><h1>Lamps</h1>
<button onclick="this.textContent = 'On'">Off</button>`

everyPlace('@playwright/mcp', SERVERS.playwright, (place) => {
  for (const kind of Object.keys(CLIENTS) as ClientKind[])
    test(`${kind}: opens a page, presses its button and takes its picture`, async (t) => {
      const url = await servePage(t)
      const client = await CLIENTS[kind](t, place().server)
      const opened = await client.call('browser_navigate', { url })
      assert.match(textOf(opened), /Page Title: Lamps/)
      const seen = textOf(await client.call('browser_snapshot'))
      const [, target] = /button "Off".*\[ref=(\w+)\]/.exec(seen) ?? []
      assert.ok(target, seen)
      await client.call('browser_click', { element: 'the lamp', target })
      assert.match(textOf(await client.call('browser_snapshot')), /button "On"/)
      const { content } = await client.call('browser_take_screenshot')
      assert.partialDeepStrictEqual((content as object[])[1], { type: 'image', mimeType: 'image/png' })
      await client.call('browser_close')
    })
})

async function servePage(ending: Ending): Promise<string> {
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  ending.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
