import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import type { Caller } from '../../kernel/caller.ts'
import { heldClock } from '../../kernel/clock.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { operation } from '../../kernel/operation.ts'
import { testDoor } from '../../testing/hub.ts'
import { modernPeer } from '../../testing/relay.ts'
import { type WaitingCalls } from './index.ts'
import { waitingCallsAt } from './waiting.fixture.ts'

const child: Caller = { id: 'kim', name: 'kim', scopes: ['*'], via: 'mcp', role: 'child', credential: 'login-1' }
const mother: Caller = { id: 'anna', name: 'anna', scopes: ['*'], via: 'rest', role: 'adult', credential: 'login-2' }

const ASKS = '{"resultType":"input_required","inputRequests":{},"requestState":"state-1"}'
const ARGUMENTS = '{"room":"attic"}'

interface Sent {
  readonly text?: string
  readonly more?: string
  readonly caller?: Caller
}

/** A door to another server, which asks its client something before it wipes a room. */
function home(answers: readonly string[] = [ASKS, '{"resultType":"complete"}']) {
  const clock = heldClock()
  const got: string[] = []
  const wipe = operation()({
    name: 'home.wipe_room',
    summary: 'Wipes a room.',
    scope: 'home:write',
    effect: 'destructive',
    input: z.object({ room: z.string() }),
    output: z.unknown(),
    async handler(_, { peer }) {
      got.push(peer?.params ?? '')
      return new RelayedResult(answers[got.length - 1] ?? ASKS)
    },
  }).bind({})
  let calls: WaitingCalls | undefined
  const door = testDoor([wipe], {
    clock,
    approvals: (joined) => (calls = waitingCallsAt(joined, clock, 1000)),
  })
  const waits = () => calls ?? assert.fail()
  /** Whether it had to wait; it gets its yes then. */
  const send = async ({ text = ARGUMENTS, more = '', caller = child }: Sent = {}): Promise<boolean> => {
    const { peer } = modernPeer({ params: `{"name":"wipe_room","arguments":${text}${more}}` })
    const outcome = door.invoke({ operation: 'home.wipe_room', input: JSON.parse(text), caller, peer })
    const [waiting] = waits().list()
    const word = { approver: mother, yes: true, forMs: 0 }
    if (waiting) await waits().decide(waiting.id, word, () => Promise.resolve())
    await outcome
    return waiting !== undefined
  }
  return { clock, door, got, send }
}

suite('what was approved of a call to another server', () => {
  test('is exactly what the server gets', async () => {
    const { got, send } = home()
    assert.ok(await send({ text: '{"room":"hall",  "room":"attic"}', more: ',"_meta":{"a" : 1}' }))
    assert.deepEqual(got, ['{"name":"wipe_room","arguments":{"room":"attic"},"_meta":{"a" : 1}}'])
  })

  test('goes on with the answers to what the server asked, without another yes', async () => {
    const { got, send } = home()
    assert.ok(await send())
    assert.equal(await send({ more: ',"inputResponses":{},"requestState":"state-1"' }), false)
    assert.equal(got.length, 2)
    assert.ok(await send({ more: ',"inputResponses":{},"requestState":"state-1"' }), 'once')
  })

  test('goes on for as long as the server asks, each time with its latest state', async () => {
    const { send } = home([ASKS, ASKS.replace('state-1', 'state-2'), '{"resultType":"complete"}'])
    assert.ok(await send())
    assert.equal(await send({ more: ',"requestState":"state-1"' }), false)
    assert.ok(await send({ more: ',"requestState":"state-1"' }))
  })

  test('a server that gives no state is recognised by the answers', async () => {
    const { send } = home(['{"resultType":"input_required","inputRequests":{}}'])
    assert.ok(await send())
    assert.equal(await send({ more: ',"inputResponses":{}' }), false)
  })

  const back = ',"inputResponses":{},"requestState":"state-1"'
  const others: [why: string, sent: Sent][] = [
    ['it does not go on with anything', {}],
    ['it has another state', { more: back.replace('state-1', 'state-9') }],
    ['it has other arguments', { text: '{"room":"cellar"}', more: back }],
    ['it came by another login', { more: back, caller: { ...child, credential: 'login-3' } }],
    ['it is somebody else’s', { more: back, caller: { ...child, id: 'ben' } }],
  ]
  for (const [why, sent] of others)
    test(`another call waits again: ${why}`, async () => {
      const { send } = home()
      assert.ok(await send())
      assert.ok(await send(sent))
    })

  test('so does one that comes back late, after the access of either ended, or after a call that is over', async () => {
    const late = home()
    await late.send()
    late.clock.advance(600_000)
    assert.ok(await late.send({ more: back }))
    for (const credential of ['login-1', 'login-2']) {
      const ended = home()
      await ended.send()
      ended.door.events.emit('access.ended', { credential })
      assert.ok(await ended.send({ more: back }))
    }
    const over = home(['{"resultType":"complete","requestState":"state-1"}'])
    await over.send()
    assert.ok(await over.send({ more: back }))
  })
})
