import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { newRequestId } from './request-id.ts'

suite('request ids', () => {
  test('each is a UUID of version 8, and another', () => {
    const ids = Array.from({ length: 1000 }, newRequestId)
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.equal(new Set(ids).size, ids.length)
  })
})
