import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { silentLog } from '../../kernel/log.ts'
import type { Replica } from '../../kernel/mcp/server-definition.ts'
import { callerWith, owner } from '../../testing/hub.ts'
import { startProtectedServer } from '../../testing/protected-server.ts'
import { answerOf, loginFixture, never, REDIRECT_URL, type LoginFixture } from '../../testing/upstream-login.ts'
import { definitionWith } from '../upstream/definition.fixture.ts'
import { createLogins, type Logins } from './logins.ts'

const replica = (url: string, headers: Record<string, string> = {}): Replica => ({
  transport: { kind: 'http', url, headers, mode: 'auto' },
  weight: 1,
})

async function start(test: TestContext): Promise<LoginFixture & { logins: Logins; told: [string, string][] }> {
  const fixture = await loginFixture(test)
  const told: [string, string][] = []
  const { vault, clock } = fixture
  const onLogin = (id: string, person: string) => void told.push([id, person])
  const logins = createLogins({ vault, redirectUrl: REDIRECT_URL, clock, log: silentLog, fetch, onLogin })
  return { ...fixture, logins, told }
}

const guest = callerWith()
const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}'

suite('the logins of all upstreams', () => {
  test('replicas at several addresses have logins of their own, one after the other', async (t) => {
    const { as, mcp, clock, logins, told } = await start(t)
    const second = await startProtectedServer(t, as, clock)
    const replicas = [replica(mcp.url), replica(second.url), replica(mcp.url)]
    const definition = definitionWith({ id: 'notes', replicas })
    const ask = async ({ transport }: Replica, url: string) =>
      (await logins.fetchFor(definition, transport, undefined)?.(url, { method: 'POST', body }))?.status
    for (const { url } of [mcp, second]) await assert.rejects(ask(replica(url), url), { code: 'unauthenticated' })
    for (const url of [mcp.url, second.url]) {
      const { authorizationUrl } = await logins.begin(definition, owner, never)
      assert.equal(new URL(authorizationUrl).searchParams.get('resource'), url)
      assert.deepEqual(await logins.finish(answerOf(await as.approve(authorizationUrl)), never), {
        id: 'notes',
        person: 'owner',
      })
      assert.equal(await ask(replica(url), url), 200)
    }
    assert.deepEqual(told.at(-1), ['notes', 'owner'])
    await logins.logout(definition, owner, never)
    assert.equal(as.tokens.size, 0)
    for (const { url } of [mcp, second]) await assert.rejects(ask(replica(url), url), { code: 'unauthenticated' })
  })

  test('who leaves takes all logins along, of servers that are gone too, and nobody else’s', async (t) => {
    const { as, mcp, vault, logins } = await start(t)
    const [here, gone] = ['here', 'gone'].map((id) => definitionWith({ id, replicas: [replica(mcp.url)] }))
    assert.ok(here && gone)
    for (const definition of [here, gone])
      for (const person of [guest, owner]) {
        const { authorizationUrl } = await logins.begin(definition, person, never)
        await logins.finish(answerOf(await as.approve(authorizationUrl)), never, 'owner')
      }
    const before = as.tokens.size
    await logins.leave(guest.id, [here], never)
    assert.deepEqual(await vault.upstreams(guest.id), [])
    assert.deepEqual(await vault.upstreams(owner.id), ['gone', 'here'])
    assert.equal(as.tokens.size, before - 2, 'what it has of a server that is there is revoked')
  })

  test('whose configuration has a credential, or that runs here, has no login', async (t) => {
    const { mcp, logins } = await start(t)
    const withKey = replica(mcp.url, { AUTHORIZATION: 'Bearer of-the-user' })
    for (const replicas of [[withKey], definitionWith({}).replicas]) {
      const definition = definitionWith({ replicas })
      for (const { transport } of replicas) assert.equal(logins.fetchFor(definition, transport, owner), undefined)
      await assert.rejects(logins.begin(definition, owner, never), { code: 'conflict' })
    }
  })

  test('a login is found by its state; what was forgotten does not', async (t) => {
    const { as, mcp, logins } = await start(t)
    const [one, two] = ['one', 'two'].map((id) => definitionWith({ id, replicas: [replica(mcp.url)] }))
    assert.ok(one && two)
    const begun = await Promise.all([one, two].map((definition) => logins.begin(definition, guest, never)))
    const [first, second] = await Promise.all(begun.map(({ authorizationUrl }) => as.approve(authorizationUrl)))
    assert.ok(first && second)
    logins.forget('one')
    await assert.rejects(logins.finish(answerOf(first), never), { code: 'not_found', hint: /alicia login/ })
    assert.deepEqual(await logins.finish(answerOf(second), never, 'owner'), { id: 'two', person: guest.id })
  })

  for (const [who, begins, account] of [
    ['the owner’s by whoever comes', owner, undefined],
    ['a person’s by that person', { ...guest, id: 'p-ada', person: 'p-ada' }, 'p-ada'],
    ['that of a token of a person’s by the person', { ...guest, id: 't-1', person: 'p-ada' }, 'p-ada'],
    ['that of a token of nobody’s by the owner', { ...guest, id: 't-2' }, 'owner'],
    ['that of a program of the owner’s by the owner', { ...owner, credential: 'g-1', client: 'app' }, 'owner'],
  ] as const)
    test(`a login is ended: ${who}`, async (t) => {
      const { as, mcp, logins } = await start(t)
      const definition = definitionWith({ id: 'notes', replicas: [replica(mcp.url)] })
      const { authorizationUrl } = await logins.begin(definition, begins, never)
      const answer = answerOf(await as.approve(authorizationUrl))
      assert.deepEqual(logins.waiting(answer.state), { server: 'notes', ...(account !== undefined && { account }) })
      assert.deepEqual(await logins.finish(answer, never, account), { id: 'notes', person: begins.id })
      assert.equal(logins.waiting(answer.state), undefined)
    })
})
