import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { mayUse } from './caller.ts'
import { heldClock, sleep } from './clock.ts'
import { createEvents } from './events.ts'
import { Fault, faultBody, FAULTS, toFault } from './fault.ts'
import { createIdentity, hashToken, OWNER } from './identity.ts'
import { createLog } from './log.ts'
import { nearest } from './nearest.ts'

suite('scopes', () => {
  for (const [scopes, wanted, may] of [
    [[], null, true],
    [[], 'mqtt:read', false],
    [['mqtt:read'], 'mqtt:read', true],
    [['mqtt:read'], 'mqtt:write', false],
    [['mqtt:*'], 'mqtt:write', true],
    [['mqtt:*'], 'mqttx:write', false],
    [['*'], 'anything:else', true],
  ] as const)
    test(`[${scopes.join(' ')}] ${may ? 'include' : 'lack'} ${wanted}`, () => assert.equal(mayUse(scopes, wanted), may))
})

suite('faults', () => {
  test('our own JSON-RPC numbers lie outside the range JSON-RPC reserves, each code has one status', () => {
    for (const [code, { rpc, status }] of Object.entries(FAULTS)) {
      const standard = rpc <= -32600 && rpc >= -32603
      assert.ok(standard || rpc > -32000, code)
      assert.ok(status >= 400 && status < 600, code)
    }
  })

  test('the reference documents every code', () => {
    const page = readFileSync(new URL('../../docs/reference/faults.md', import.meta.url), 'utf8')
    for (const code of Object.keys(FAULTS)) assert.ok(page.includes(`\`${code}\``), code)
  })

  test('what is absent stays absent', () => {
    assert.deepEqual(faultBody(new Fault('not_found', 'No.')), { code: 'not_found', message: 'No.', retryable: false })
  })

  test('a defect keeps its cause and reports it under a reference', () => {
    const cause = new Error('secret detail')
    let reported: unknown
    const fault = toFault(cause, (reference, error) => (reported = [reference, error]))
    assert.deepEqual(reported, [fault.details?.['reference'], cause])
    assert.equal(fault.cause, cause)
  })
})

suite('clock', () => {
  test('a held clock runs what became due in order, timers of timers included', () => {
    const clock = heldClock()
    const seen: string[] = []
    clock.after(20, () => seen.push(`b${clock.monotonic()}`))
    clock.after(10, () => {
      seen.push(`a${clock.monotonic()}`)
      clock.after(5, () => seen.push(`a2 ${clock.monotonic()}`))
    })
    const cancel = clock.after(15, () => seen.push('never'))
    cancel()
    clock.advance(100)
    assert.deepEqual(seen, ['a10', 'a2 15', 'b20'])
  })

  test('sleep ends early with the reason of its signal', async () => {
    const abort = new AbortController()
    const slept = sleep(heldClock(), 1000, abort.signal)
    abort.abort(new Fault('cancelled', 'Enough.'))
    await assert.rejects(slept, { code: 'cancelled' })
  })
})

suite('events', () => {
  test('a listener that throws does not stop the others', () => {
    const errors: unknown[] = []
    const events = createEvents((error) => errors.push(error))
    const seen: string[] = []
    events.on('tools.changed', () => {
      throw new Error('first')
    })
    const stop = events.on('tools.changed', ({ provider }) => seen.push(provider))
    events.emit('tools.changed', { provider: 'a' })
    stop()
    events.emit('tools.changed', { provider: 'b' })
    assert.deepEqual([seen, errors.length], [['a'], 2])
  })
})

suite('log', () => {
  test('what is hidden never leaves, in whatever form', () => {
    const lines: string[] = []
    const log = createLog({ level: 'debug', write: (line) => lines.push(line) })
    log.hide('p@ss"word')
    log.info('connecting to mqtt://u:p%40ss%22word@h', { password: 'p@ss"word', error: new Error('p@ss"word') })
    log.child({ again: 'p@ss"word' }).error('p@ss"word')
    assert.doesNotMatch(lines.join(''), /p@ss|p%40ss/)
    for (const line of lines) JSON.parse(line)
  })
})

suite('identity', () => {
  test('the owner, the holders of other tokens, and nobody else', () => {
    const identity = createIdentity('owner-token')
    const caller = identity.authenticate('owner-token', 'rest', { address: '::1' })
    assert.deepEqual(caller, { ...OWNER, via: 'rest', address: '::1' })
    assert.throws(() => identity.authenticate('phone-token', 'rest'), { code: 'unauthenticated' })
    const phone = { id: 'phone', name: 'phone', scopes: ['mqtt:read'] }
    const remove = identity.addSource(({ hash }) => (hash === hashToken('phone-token') ? phone : undefined))
    assert.deepEqual(identity.authenticate('phone-token', 'mcp'), { ...phone, via: 'mcp' })
    remove()
    assert.throws(() => identity.authenticate('phone-token', 'rest'), { code: 'unauthenticated' })
  })
})

suite('nearest', () => {
  for (const [word, meant] of [
    ['prot', 'port'],
    ['maxMessages', 'max_messages'],
    ['hots', 'host'],
    ['unrelated', undefined],
    ['', undefined],
  ] as const)
    test(`${word || 'nothing'} → ${meant}`, () => assert.equal(nearest(word, ['port', 'host', 'max_messages']), meant))
})
