import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { createPatientFetch } from './patient-fetch.ts'

const URL_A = 'https://as.example/token'

function patient(answers: Response[]) {
  const clock = heldClock(0)
  const asked: string[] = []
  const fetch = createPatientFetch(
    async (url) => {
      asked.push(String(url))
      return answers.shift() ?? new Response()
    },
    { name: 'notes', clock },
  )
  return { clock, asked, ask: (url = URL_A) => fetch(url) }
}

const refusal = (status: number, after?: string) =>
  new Response(null, { status, ...(after !== undefined && { headers: { 'retry-after': after } }) })

suite('a login server that is asked too often', () => {
  for (const [status, after, waitMs] of [
    [429, '30', 30_000],
    [503, '7', 7000],
    [429, '86400', 300_000],
    [429, 'Thu, 01 Jan 1970 00:00:20 GMT', 20_000],
  ] as const)
    test(`${status}, ${after}: is left alone for ${waitMs / 1000} s`, async () => {
      const { clock, asked, ask } = patient([refusal(status, after)])
      await assert.rejects(ask(), { code: 'unavailable', retryAfterMs: waitMs, message: /as\.example .*notes/ })
      clock.advance(waitMs - 1)
      await assert.rejects(ask(), { code: 'unavailable', retryAfterMs: 1 })
      assert.equal((await ask('https://as.example/other')).status, 200)
      assert.equal(asked.length, 2)
      clock.advance(1)
      assert.equal((await ask()).status, 200)
    })

  for (const [status, code] of [
    [429, 'unavailable'],
    [503, undefined],
    [500, undefined],
    [404, undefined],
  ] as const)
    test(`${status} without a time is ${code ?? 'an answer'}, and may be asked again at once`, async () => {
      const { ask } = patient([refusal(status)])
      if (code) await assert.rejects(ask(), { code })
      else assert.equal((await ask()).status, status)
      assert.equal((await ask()).status, 200)
    })
})
