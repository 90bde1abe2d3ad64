import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RpcError } from '../../kernel/mcp/message.ts'
import { errorText } from './outgoing.ts'

test('an error of another server that nests too deep to be written reaches the client without its data', () => {
  let data: unknown = 1
  for (let level = 0; level < 100_000; level++) data = { '0': data }
  assert.deepEqual(JSON.parse(errorText(1, new RpcError(-32000, 'no', { data }))), {
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32000, message: 'no' },
  })
})
