import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connectAsync } from 'mqtt'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { within } from '../support/program.ts'

const PASSWORD = 'a long walk on the beach'
const PEOPLE = 10
/** Of each person; more of one name would be told to wait. */
const ATTEMPTS = 3

const KINDS = ['known', 'unknown', 'disabled', 'without a password'] as const
type Kind = (typeof KINDS)[number]

suite('what the time of a wrong login tells', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => {
    // Every attempt comes from an address of its own.
    hub = await startHub(ending, { config: { trustedProxies: ['127.0.0.1'] } })
    for (let at = 0; at < PEOPLE; at++) {
      await hub.result('people.add_person', { name: nameOf('known', at), role: 'adult', password: PASSWORD })
      await hub.result('people.add_person', { name: nameOf('disabled', at), role: 'adult', password: PASSWORD })
      await hub.result('people.change_person', { name: nameOf('disabled', at), disabled: true })
      await hub.result('people.add_person', { name: nameOf('without a password', at), role: 'adult' })
    }
  })
  after(() => ending.run())

  const nameOf = (kind: Kind, at: number) => `${kind.replaceAll(' ', '-')}-${at}`
  let addresses = 0
  const elsewhere = () => {
    addresses++
    return `203.${Math.floor(addresses / 250)}.${addresses % 250}.1`
  }

  const logIn = async (name: string, password: string, address = elsewhere()) => {
    const response = await fetch(`${hub.urls.http}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: JSON.stringify({ name, password }),
    })
    const { detail } = (await response.json()) as { detail?: string }
    return { status: response.status, detail, retryAfter: response.headers.get('retry-after') }
  }

  /** Milliseconds of each attempt, by kind, the kinds in turn: what else the machine does falls on all of them. */
  async function timed(attempt: (name: string) => Promise<unknown>): Promise<Record<Kind, number>> {
    const times: Record<Kind, number[]> = { known: [], unknown: [], disabled: [], 'without a password': [] }
    for (let count = 0; count < ATTEMPTS; count++)
      for (let at = 0; at < PEOPLE; at++)
        for (const kind of KINDS) {
          const startMs = performance.now()
          await attempt(nameOf(kind, at))
          times[kind].push(performance.now() - startMs)
        }
    return Object.fromEntries(KINDS.map((kind) => [kind, median(times[kind])])) as Record<Kind, number>
  }

  /** A hash that is left out takes nine tenths of the time away. */
  function assertAlike(medians: Record<Kind, number>): void {
    for (const kind of KINDS)
      for (const other of KINDS)
        assert.ok(medians[kind] < 2.5 * medians[other], `${kind} and ${other}: ${JSON.stringify(medians)}`)
  }

  test('name and password: the same for everybody, in words and in time', async () => {
    const said = new Set<string>()
    const medians = await timed(async (name) => {
      const { status, detail } = await logIn(name, 'a wrong password')
      said.add(`${status} ${detail}`)
    })
    assert.deepEqual(
      [...said].map((text) => text.slice(0, 3)),
      ['401'],
    )
    assertAlike(medians)
  })

  test('a right password of somebody who is disabled says no more', async () => {
    assert.deepEqual(await logIn(nameOf('disabled', 0), PASSWORD), await logIn(nameOf('unknown', 0), PASSWORD))
  })

  test('the broker: the same', async () => {
    const said = new Set<unknown>()
    for (const kind of KINDS) {
      const attempt = connectAsync(hub.urls.mqtt, {
        username: nameOf(kind, 5),
        password: 'a wrong password',
        reconnectPeriod: 0,
        protocolVersion: 5,
      })
      said.add(
        await attempt.then(
          () => 'in',
          (error: unknown) => (error as { code?: unknown }).code,
        ),
      )
    }
    assert.deepEqual([...said], [0x86])
  })

  test('a flood of wrong logins keeps nobody else out', async () => {
    const home = elsewhere()
    const fromHome = async () => (await logIn(nameOf('known', 8), PASSWORD, home)).status
    assert.equal(await fromHome(), 200)
    const flood = Array.from({ length: 150 }, (_, at) =>
      logIn(at % 2 === 0 ? nameOf('known', 9) : `nobody-${at}`, 'a wrong password'),
    )
    for (let count = 0; count < 20; count++) assert.equal((await hub.call('health.list_services')).status, 200)
    assert.equal(await fromHome(), 200, 'who has logged in from there before does not wait among strangers')
    const fromNew = async () => {
      // Where too many strangers wait already, it is told when to come again, and does.
      for (;;) {
        const { status, detail = '', retryAfter } = await logIn(nameOf('known', 7), PASSWORD)
        if (status !== 429) return status
        assert.match(detail, /Too many people log in at this moment/)
        assert.ok(Number(retryAfter) > 0, String(retryAfter))
        await delay(200)
      }
    }
    assert.equal(await within(fromNew(), 'somebody at a new address'), 200)
    const statuses = new Set((await Promise.all(flood)).map(({ status }) => status))
    for (const status of statuses) assert.ok([401, 429, 503].includes(status), String(status))
    assert.equal((await hub.call('health.list_services')).status, 200)
  })
})

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
