import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Quota } from './call-limits.ts'
import { comeBackHeaders, quotaHeaders } from './rate-limit-headers.ts'

suite('rate limit headers', () => {
  const quota = (perMinute: number, burst: number, left: number, nextMs: number): Quota => ({
    limit: 'caller',
    rate: { perMinute, burst },
    left,
    nextMs,
  })
  const told: [Quota, policy: string, state: string][] = [
    [quota(6000, 6000, 6000, 0), '"caller";q=6000;w=60', '"caller";r=6000'],
    [quota(6000, 6000, 5999, 10), '"caller";q=6000;w=60', '"caller";r=5999;t=1'],
    [quota(6, 2, 0, 9999), '"caller";q=2;w=20', '"caller";r=0;t=10'],
    [{ ...quota(0.5, 1, 0, 120_000), limit: 'anonymous' }, '"anonymous";q=1;w=120', '"anonymous";r=0;t=120'],
    [quota(1_000_000_000, 1_000_000_000, 999_999_999, 0.1), '"caller";q=1000000000;w=60', '"caller";r=999999999;t=1'],
  ]
  for (const [given, policy, state] of told)
    test(`${policy} ${state}`, () =>
      assert.deepEqual(quotaHeaders(given), { 'ratelimit-policy': policy, ratelimit: state }))

  test('a refusal says when to come back, and which quota is used up', () => {
    const details = { limit: 'operation', per_minute: 6, burst: 2 }
    assert.deepEqual(comeBackHeaders({ retry_after_ms: 9001, details }), {
      'retry-after': '10',
      'ratelimit-policy': '"operation";q=2;w=20',
      ratelimit: '"operation";r=0;t=10',
    })
    assert.deepEqual(comeBackHeaders({ retry_after_ms: 5, details: { provider: 'x' } }), { 'retry-after': '1' })
    const foreign = [
      undefined,
      null,
      'x',
      {},
      { retry_after_ms: 'soon' },
      { retry_after_ms: Number.NaN },
      { retry_after_ms: -1 },
      { retry_after_ms: 1e300 },
    ]
    for (const body of foreign) assert.deepEqual(comeBackHeaders(body), {})
    for (const limit of ['"x', 'a\r\nset-cookie: a=b', '', 7])
      assert.deepEqual(comeBackHeaders({ retry_after_ms: 5, details: { ...details, limit } }), { 'retry-after': '1' })
  })
})
