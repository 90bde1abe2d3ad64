import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RpcError } from '../../kernel/mcp/message.ts'
import { errorText } from './outgoing.ts'

test('an error of another server that nests too deep to be written reaches the client without its data', () => {
  const levels = 100_000
  const data: unknown = JSON.parse(`${'{"0":'.repeat(levels)}1${'}'.repeat(levels)}`)
  assert.deepEqual(JSON.parse(errorText(1, new RpcError(-32000, 'no', { data }))), {
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32000, message: 'no' },
  })
})
