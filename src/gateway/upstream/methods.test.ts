import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { silentLog } from '../../kernel/log.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { CallContext } from '../../kernel/tool.ts'
import { owner } from '../../testing/hub.ts'
import { methodsOf } from './methods.ts'
import type { PassedRequest } from './tools.ts'

const context: CallContext = {
  signal: new AbortController().signal,
  log: silentLog,
  caller: owner,
  requestId: 'r',
  emit() {},
  extend() {},
}

suite('any other method of an upstream', () => {
  const passed: PassedRequest[] = []
  const any = methodsOf(
    'up',
    async (request) => {
      passed.push(request)
      return new RelayedResult('{"x":1}')
    },
    undefined,
  ).find(({ name }) => name === 'up/*')

  test('passes', async () => {
    assert.deepEqual(await any?.run({ method: 'x/y', params: { a: 1 } }, context), { x: 1 })
    assert.deepEqual(passed, [{ method: 'x/y', params: '{"a":1}', repeatable: false, isRead: false }])
  })

  for (const method of ['tools/call', 'initialize', 'logging/setLevel', 'resources/read', '*'])
    test(`is not ${method}`, async () => {
      await assert.rejects(async () => await any?.run({ method, params: {} }, context), { code: 'unknown_operation' })
      assert.equal(passed.length, 1)
    })
})
