import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, suite, test } from 'node:test'
import { createInterface } from 'node:readline'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { fixtureCommand } from '../../testing/fixture/fixture.ts'
import {
  contextFor,
  EVERYTHING,
  legacyPeer,
  modernMeta,
  modernPeer,
  testRelay,
  type TestPeer,
  type TestRelay,
} from '../../testing/relay.ts'
import { connected, http, stdio } from '../connection/connecting.fixture.ts'
import type { Connection } from '../connection/connection.ts'

/** What each kind of question is answered with. */
const ANSWERS: Readonly<Record<string, object>> = {
  'elicitation/create': { action: 'accept', content: { name: 'Alice', color: 'blue', response: 'Alice' } },
  'sampling/createMessage': { role: 'assistant', content: { type: 'text', text: 'Hi!' }, model: 'm' },
  'roots/list': { roots: [{ uri: 'file:///home/alice' }] },
}
const answerTo = (method: string) => ANSWERS[method] ?? {}

const SERVERS = [
  { transport: 'stdio', era: 'legacy' },
  { transport: 'stdio', era: 'modern' },
  { transport: 'http', era: 'legacy' },
  { transport: 'http', era: 'modern' },
] as const

const CLIENTS = [
  { era: 'legacy', client: () => legacyPeer({ answer: answerTo, logLevel: 'debug' }) },
  { era: 'modern', client: () => modernPeer({ logLevel: 'debug' }) },
] as const

/** Calls until it is answered: a client of 2026-07-28 comes back with the answers. */
async function finish(
  { relay }: TestRelay,
  { peer }: TestPeer,
  params: Record<string, unknown>,
): Promise<RelayedResult> {
  const { name } = params
  const headers = { 'Mcp-Name': String(name) }
  const meta = peer.session ? {} : modernMeta()
  let retry = {}
  for (;;) {
    const text = JSON.stringify({ ...params, ...retry, _meta: { ...meta, progressToken: 'mine' } })
    const result = await relay.request('tools/call', text, contextFor(peer), headers)
    if (result.value['resultType'] !== 'input_required') return result
    const { inputRequests, requestState } = result.value as {
      inputRequests: Record<string, { method: string }>
      requestState?: string
    }
    const inputResponses = Object.fromEntries(
      Object.entries(inputRequests).map(([key, { method }]) => [key, answerTo(method)]),
    )
    retry = { inputResponses, ...(requestState !== undefined && { requestState }) }
  }
}

for (const { transport, era } of SERVERS)
  suite(`relay to a server of the official library: ${transport}, ${era}`, () => {
    const endings: (() => unknown)[] = []
    const ending = { after: (task: () => unknown) => void endings.unshift(task) }
    const changed = Promise.withResolvers<string>()
    let setup: TestRelay

    before(async () => {
      const place = await placeOf(transport, era, ending)
      let shared: Connection
      setup = testRelay(
        { revision: '2025-11-25', serve: () => '{}' },
        {
          shared: () => shared,
          onListChanged: changed.resolve,
          connectFor: async ({ capabilities }, { onRequest }) =>
            (await connected(ending, place, { capabilities, onRequest })).connection,
        },
      )
      const { onRequest } = setup.relay.sharedHandlers
      shared = (await connected(ending, place, { capabilities: EVERYTHING, onRequest })).connection
      await setup.relay.request('tools/list', '{}', contextFor())
      // From now on a question about roots is no greeting.
      setup.clock.advance(2_000)
    })
    after(async () => {
      await setup.relay.close()
      for (const end of endings) await end()
    })

    if (era === 'modern')
      test('what changes is heard', async () => {
        const context = contextFor(legacyPeer().peer)
        // Answered when the server agreed to tell.
        await setup.relay.request('resources/subscribe', '{"uri":"test://watched-resource"}', context)
        await finish(setup, legacyPeer(), { name: 'test_trigger_prompt_change', arguments: {} })
        assert.equal(await changed.promise, 'prompts')
      })

    for (const { era: clientEra, client } of CLIENTS) {
      test(`${clientEra} client: three questions at once`, async () => {
        const result = await finish(setup, client(), {
          name: 'test_input_required_result_multiple_inputs',
          arguments: {},
        })
        assert.match(result.text, /Alice.*Hi!.*home\/alice/)
        assert.equal('resultType' in result.value, clientEra === 'modern')
      })

      test(`${clientEra} client: one question after the other`, async () => {
        const result = await finish(setup, client(), { name: 'test_input_required_result_multi_round', arguments: {} })
        assert.match(result.text, /All is known.*blue/)
      })

      test(`${clientEra} client: progress`, async () => {
        const peer = client()
        await finish(setup, peer, { name: 'test_tool_with_progress', arguments: {} })
        const progress = peer.heard.filter(({ method }) => method === 'notifications/progress')
        assert.deepEqual(
          progress.map(({ params }) => (params as { progress: number }).progress),
          [0, 50, 100],
        )
        assert.ok(progress.every(({ params }) => (params as { progressToken: string }).progressToken === 'mine'))
      })
    }
  })

async function placeOf(
  transport: 'stdio' | 'http',
  era: 'legacy' | 'modern',
  ending: { after(task: () => unknown): void },
) {
  const command = fixtureCommand(transport, era)
  if (transport === 'stdio') return stdio(command)
  const child = spawn(command.command, command.args, { stdio: ['ignore', 'pipe', 'inherit'] })
  ending.after(() => child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^Listening at (\S+)$/.exec(line)?.[1]
    if (url !== undefined) return http(url)
  }
  throw new Error('The fixture ended.')
}
