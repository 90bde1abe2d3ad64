import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENTS, textOf, type ClientKind, type McpClient, type Result } from '../support/mcp-client.ts'
import { everyPlace } from '../support/places.ts'
import { SERVERS } from '../support/servers.ts'

/** What a client that can be asked for everything sees of server-everything 2026.8.31. */
const TOOLS = [
  'echo',
  'get-annotated-message',
  'get-env',
  'get-resource-links',
  'get-resource-reference',
  'get-roots-list',
  'get-structured-content',
  'get-sum',
  'get-tiny-image',
  'gzip-file-as-resource',
  'simulate-research-query',
  'toggle-simulated-logging',
  'toggle-subscriber-updates',
  'trigger-elicitation-request',
  'trigger-long-running-operation',
  'trigger-sampling-request',
  'trigger-url-elicitation',
]
const PROMPTS = ['args-prompt', 'completable-prompt', 'resource-prompt', 'simple-prompt']
const DYNAMIC = 'demo://resource/dynamic/text/7'

/** What is true of the server, whoever stands in between. */
const ROWS: readonly {
  readonly what: string
  readonly only?: 'old era'
  check(client: McpClient): Promise<void>
}[] = [
  {
    what: 'lists the tools it has for clients that can be asked',
    async check(client) {
      assert.deepEqual(missing(TOOLS, await client.list('tools')), [])
    },
  },
  {
    what: 'text',
    check: async (client) => assert.equal(textOf(await client.call('echo', { message: 'hé' })), 'Echo: hé'),
  },
  {
    what: 'structured content beside its text',
    async check(client) {
      const { content, structuredContent } = await client.call('get-structured-content', { location: 'Chicago' })
      assert.deepEqual(JSON.parse(textOf({ content })), structuredContent)
    },
  },
  {
    what: 'an image',
    async check(client) {
      const { content } = await client.call('get-tiny-image')
      assert.partialDeepStrictEqual(content, [{ type: 'text' }, { type: 'image', mimeType: 'image/png' }])
    },
  },
  {
    what: 'annotations of content',
    async check(client) {
      const { content } = await client.call('get-annotated-message', { messageType: 'error' })
      assert.partialDeepStrictEqual(content, [{ annotations: { priority: 1, audience: ['user', 'assistant'] } }])
    },
  },
  {
    what: 'links to resources, which can be read',
    async check(client) {
      const { content } = await client.call('get-resource-links', { count: 2 })
      const links = (content as { type: string; uri: string }[]).filter(({ type }) => type === 'resource_link')
      assert.equal(links.length, 2)
      for (const { uri } of links)
        assert.partialDeepStrictEqual(await client.request('resources/read', { uri }), { contents: [{ uri }] })
    },
  },
  {
    what: 'a resource made by a call',
    async check(client) {
      const input = { name: 'a.gz', data: 'data:text/plain,hello', outputType: 'resourceLink' }
      const { content } = await client.call('gzip-file-as-resource', input)
      const [{ uri }] = content as [{ uri: string }]
      assert.partialDeepStrictEqual(await client.request('resources/read', { uri }), {
        contents: [{ uri, mimeType: 'application/gzip' }],
      })
    },
  },
  {
    what: 'every progress message, the last one too',
    async check(client) {
      await client.call('trigger-long-running-operation', { duration: 0.2, steps: 4 }, { progressToken: 'mine' })
      const progress = client.notifications.filter(({ method }) => method === 'notifications/progress')
      assert.deepEqual(
        progress.map(({ params }) => params),
        [1, 2, 3, 4].map((step) => ({ progress: step, total: 4, progressToken: 'mine' })),
      )
    },
  },
  {
    what: 'asks the client’s model',
    async check(client) {
      const said = textOf(await client.call('trigger-sampling-request', { prompt: 'hello', maxTokens: 10 }))
      assert.match(said, /sampled answer/)
      const question = client.questions.find(({ method }) => method === 'sampling/createMessage')
      assert.partialDeepStrictEqual(question?.params, { maxTokens: 10, temperature: 0.7 })
    },
  },
  {
    what: 'asks the person with a form',
    async check(client) {
      const { content } = await client.call('trigger-elicitation-request')
      assert.match(JSON.stringify(content), /Name: Ada/)
      const question = client.questions.find(({ method }) => method === 'elicitation/create')
      assert.ok(Object.keys(Object(question?.params['requestedSchema']).properties as object).length > 5)
    },
  },
  {
    what: 'sends the person to a page',
    async check(client) {
      const input = { url: 'https://example.org/', message: 'Go there.' }
      assert.match(JSON.stringify(await client.call('trigger-url-elicitation', input)), /accept/)
      const question = client.questions.find(({ params }) => params['mode'] === 'url')
      assert.partialDeepStrictEqual(question?.params, input)
    },
  },
  {
    what: 'an error that sends the person to a page',
    only: 'old era',
    async check(client) {
      const input = { url: 'https://example.org/', elicitationId: 'e2', errorPath: true }
      await assert.rejects(client.call('trigger-url-elicitation', input), { code: -32042 })
    },
  },
  {
    what: 'knows the client’s roots',
    check: async (client) => assert.match(textOf(await client.call('get-roots-list')), /file:\/\/\/tmp/),
  },
  {
    what: 'prompts',
    async check(client) {
      assert.deepEqual(missing(PROMPTS, await client.list('prompts')), [])
      const { messages } = await client.request('prompts/get', { name: 'args-prompt', arguments: { city: 'Paris' } })
      assert.deepEqual(messages, [{ role: 'user', content: { type: 'text', text: "What's weather in Paris?" } }])
      const withResource = { name: 'resource-prompt', arguments: { resourceType: 'Text', resourceId: '3' } }
      assert.match(
        JSON.stringify(await client.request('prompts/get', withResource)),
        /demo:\/\/resource\/dynamic\/text\/3/,
      )
    },
  },
  {
    what: 'completion, by what is filled in already',
    async check(client) {
      const ref = { type: 'ref/prompt', name: 'completable-prompt' }
      const department = { name: 'department', value: 'E' }
      assert.deepEqual(valuesOf(await client.request('completion/complete', { ref, argument: department })), [
        'Engineering',
      ])
      const context = { arguments: { department: 'Engineering' } }
      const name = { name: 'name', value: 'A' }
      assert.deepEqual(valuesOf(await client.request('completion/complete', { ref, argument: name, context })), [
        'Alice',
      ])
    },
  },
  {
    what: 'completion of a resource’s address',
    async check(client) {
      const ref = { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' }
      const argument = { name: 'resourceId', value: '4' }
      assert.deepEqual(valuesOf(await client.request('completion/complete', { ref, argument })), ['4'])
    },
  },
  {
    what: 'resources and templates',
    async check(client) {
      const resources = await client.list('resources')
      assert.ok(resources.some(({ uri }) => uri === 'demo://resource/static/document/features.md'))
      assert.ok((await client.list('resourceTemplates')).length >= 2)
      const { contents } = await client.request('resources/read', { uri: DYNAMIC })
      assert.partialDeepStrictEqual(contents, [{ uri: DYNAMIC, mimeType: 'text/plain' }])
      await assert.rejects(client.request('resources/read', { uri: 'demo://nowhere' }))
    },
  },
  {
    what: 'news of a resource',
    only: 'old era',
    async check(client) {
      await client.request('resources/subscribe', { uri: DYNAMIC })
      await client.call('toggle-subscriber-updates')
      await client.notified('notifications/resources/updated', ({ uri }) => uri === DYNAMIC)
      await client.call('toggle-subscriber-updates')
      await client.request('resources/unsubscribe', { uri: DYNAMIC })
    },
  },
  {
    what: 'log messages from the level on that the client wants',
    only: 'old era',
    async check(client) {
      await client.request('logging/setLevel', { level: 'debug' })
      await client.call('toggle-simulated-logging')
      await client.notified('notifications/message', ({ data }) => /level message/.test(String(data)))
      await client.call('toggle-simulated-logging')
    },
  },
  {
    what: 'many calls at once, each with its own answer',
    async check(client) {
      const numbers = Array.from({ length: 20 }, (_, n) => n)
      const said = await Promise.all(numbers.map((n) => client.call('get-sum', { a: n, b: 1 })))
      for (const n of numbers) assert.match(textOf(said[n]), new RegExp(` is ${n + 1}\\.`))
    },
  },
  {
    what: 'arguments it refuses',
    async check(client) {
      const refused = await client.call('get-sum', { a: 'x' }).then(
        ({ isError }) => isError,
        () => true,
      )
      assert.equal(refused, true)
    },
  },
]

const missing = (wanted: readonly string[], listed: readonly { name: string }[]): string[] =>
  wanted.filter((name) => !listed.some((one) => one.name === name))

const valuesOf = ({ completion }: Result): unknown => (completion as { values: unknown }).values

everyPlace(
  'server-everything',
  () => SERVERS.everything(),
  (place) => {
    for (const kind of Object.keys(CLIENTS) as ClientKind[])
      test(kind, async (t) => {
        const client = await CLIENTS[kind](t, place().server)
        const isNew = kind === 'SDK v2, new era'
        for (const { what, only, check } of ROWS)
          if (only === undefined || !isNew) await t.test(what, () => check(client))
      })
  },
  { greets: true },
)
