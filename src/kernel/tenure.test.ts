import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Caller } from './caller.ts'
import { heldClock } from './clock.ts'
import { createEvents, type EventMap } from './events.ts'
import { createTenure } from './tenure.ts'

const anna: Caller = {
  id: 'person-anna',
  name: 'anna',
  scopes: ['mqtt:*'],
  via: 'mcp',
  person: 'person-anna',
  credential: 'login-1',
}
const annasToken: Caller = { ...anna, id: 'token-x', credential: 'token-x' }
const nobodys: Caller = { id: 'mqtt:lamp', name: 'lamp', scopes: [], via: 'mqtt' }

function start() {
  const clock = heldClock()
  const events = createEvents((error) => assert.fail(String(error)))
  const ended: string[] = []
  const tenure = createTenure(events, clock)
  const hold = (name: string, caller: Caller) => tenure.hold(caller, ({ code }) => ended.push(`${name} ${code}`))
  return { clock, events, ended, hold }
}

suite('what lives on the word of a credential', () => {
  const cases: [event: EventMap['access.ended'], ends: string[]][] = [
    [{ credential: 'login-1' }, ['anna']],
    [{ credential: 'token-x' }, ['token']],
    [{ credential: 'login-2' }, []],
    [{ person: 'person-anna' }, ['anna', 'token']],
    [{ person: 'person-ben' }, []],
  ]
  for (const [event, ends] of cases)
    test(`${JSON.stringify(event)} ends ${ends.join(' and ') || 'nothing'}, once`, () => {
      const { events, ended, hold } = start()
      hold('anna', anna)
      hold('token', annasToken)
      hold('lamp', nobodys)
      events.emit('access.ended', event)
      events.emit('access.ended', event)
      assert.deepEqual(
        ended,
        ends.map((name) => `${name} unauthenticated`),
      )
    })

  test('it ends when the credential expires, however far that is', () => {
    const { clock, ended, hold } = start()
    const days = 40 * 86_400_000
    hold('anna', { ...anna, expiresMs: clock.now() + days })
    clock.advance(days - 1)
    assert.deepEqual(ended, [])
    clock.advance(1)
    assert.deepEqual(ended, ['anna unauthenticated'])
  })

  test('what was let go of is not told', () => {
    const { clock, events, ended, hold } = start()
    hold('anna', { ...anna, expiresMs: clock.now() + 1000 })()
    events.emit('access.ended', { person: 'person-anna' })
    clock.advance(5000)
    assert.deepEqual(ended, [])
  })
})
