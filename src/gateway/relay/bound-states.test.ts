import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import type { RelayedError } from '../../kernel/mcp/relayed.ts'
import { anna, bert, contextFor, modernMeta, modernPeer, testRelay, type Serve } from '../../testing/relay.ts'

const STATE = 'what the server remembers'

/** Asks once, and says with which state it was asked again. */
const asking: Serve = ({ params }) =>
  JSON.stringify(
    params['requestState'] === undefined
      ? { resultType: 'input_required', inputRequests: {}, requestState: STATE }
      : { resultType: 'complete', came: params['requestState'] },
  )

const begin = () => {
  const { relay } = testRelay({ revision: MODERN_REVISION, serve: asking })
  const ask = (more: object = {}, caller = anna, method = 'tools/call') =>
    relay.request(
      method,
      JSON.stringify({ name: 'rain', _meta: modernMeta(), ...more }),
      contextFor(modernPeer().peer, caller),
    )
  return { ask, state: async () => String((await ask()).value['requestState']) }
}

suite('the state of a server of 2026-07-28', () => {
  test('comes back to it as it left, by whoever got it', async () => {
    const { ask, state } = begin()
    const shown = await state()
    assert.ok(!shown.includes(STATE))
    assert.equal((await ask({ requestState: shown })).value['came'], STATE)
    // What can be done once with a state is the server's to say.
    assert.equal((await ask({ requestState: shown })).value['came'], STATE)
  })

  const refused: [why: string, change: (shown: string) => unknown, caller: typeof anna][] = [
    ["is somebody else's", (shown) => shown, bert],
    ['came by another login', (shown) => shown, { ...anna, credential: 'phone' }],
    ['was changed', (shown) => `${shown.slice(0, -4)}AAAA`, anna],
    ['is as the server wrote it', () => STATE, anna],
    ['is no text', () => ({ state: STATE }), anna],
  ]
  for (const [why, change, caller] of refused)
    test(`is refused where it ${why}`, async () => {
      const { ask, state } = begin()
      const requestState = change(await state())
      await assert.rejects(ask({ requestState }, caller), ({ error }: RelayedError) => {
        assert.equal(error.code, -32602)
        assert.match(error.message, /not one that this server gave you/)
        return true
      })
    })

  test('a member of that name elsewhere is nobody’s state', async () => {
    const { ask } = begin()
    const result = await ask({ name: 'requestState', arguments: { requestState: 'x' } })
    assert.equal(result.value['resultType'], 'input_required')
    await ask({ requestState: 'x' }, anna, 'completion/complete')
  })
})
