import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallerQuota } from './caller-quota.ts'
import type { Fault } from './fault.ts'

test('what one caller may hold at once, each by itself; giving back twice gives back one', () => {
  const noted: string[] = []
  const quota = new CallerQuota({
    limit: 'streams_per_caller',
    most: 2,
    what: 'streams',
    setting: 'limits.streamsPerCaller',
    refusals: { note: (limit, whose) => void noted.push(`${limit} ${whose}`) },
  })
  const anna = { id: 'person-1', name: 'anna' }
  const giveBack = quota.take(anna)
  quota.take(anna)
  quota.take({ id: 'person-2', name: 'ben' })
  assert.throws(
    () => quota.take(anna),
    ({ code, message, hint, retryAfterMs }: Fault) => {
      assert.deepEqual([code, message], ['rate_limited', 'anna has 2 streams open already.'])
      assert.match(hint ?? '', /limits\.streamsPerCaller/)
      return (retryAfterMs ?? 0) > 0
    },
  )
  giveBack()
  giveBack()
  quota.take(anna)
  assert.throws(() => quota.take(anna), { code: 'rate_limited' })
  assert.deepEqual(noted, ['streams_per_caller person-1', 'streams_per_caller person-1'])
})
