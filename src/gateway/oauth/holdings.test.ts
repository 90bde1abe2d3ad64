import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { createLog } from '../../kernel/log.ts'
import { createHoldings, type Holding } from './holdings.ts'
import type { Grant, TokenVault } from './vault.ts'

const grantOf = (accessToken: string): Grant => ({
  audience: 'https://mcp.example/mcp',
  issuer: 'https://as.example',
  client: { clientId: 'alicia', redirectUrl: 'http://127.0.0.1/cb' },
  accessToken,
  requested: [],
  scopes: [],
})

/** A vault that notes what is written, and breaks when it is told to. */
function start(stored?: Grant) {
  const disk = { grant: stored, isBroken: false, reads: 0, writes: [] as string[] }
  const lines: string[] = []
  const guard = () => {
    if (disk.isBroken) throw new Fault('unavailable', 'The database is away.')
  }
  const vault: Pick<TokenVault, 'grant' | 'saveGrant' | 'removeGrant'> = {
    async grant() {
      disk.reads++
      guard()
      return disk.grant
    },
    async saveGrant(_upstream, _person, grant) {
      guard()
      disk.writes.push(grant.accessToken)
      disk.grant = grant
    },
    async removeGrant() {
      guard()
      disk.writes.push('removed')
      disk.grant = undefined
    },
  }
  const changes: Holding['is'][] = []
  const holdings = createHoldings({
    id: 'notes',
    storedAs: 'notes',
    audience: 'https://mcp.example/mcp',
    vault,
    clock: heldClock(),
    log: createLog({ level: 'info', write: (line) => lines.push(line) }),
    onChange: (_, { is }) => changes.push(is),
  })
  return { disk, lines, changes, holdings }
}

suite('what persons hold of an upstream', () => {
  test('is read once, and again after a database that was away', async () => {
    const { disk, holdings } = start(grantOf('t0'))
    disk.isBroken = true
    await assert.rejects(holdings.of('ada'), { code: 'unavailable' })
    disk.isBroken = false
    assert.equal((await holdings.of('ada')).is, 'grant')
    await holdings.of('ada')
    assert.equal(disk.reads, 2)
  })

  test('a renewal runs once for all, and is on disk before anybody has it', async () => {
    const { disk, holdings } = start(grantOf('t0'))
    let runs = 0
    const renew = async (old: Grant | undefined) => grantOf(`${old?.accessToken}+${++runs}`)
    const written = () => disk.writes.join()
    const both = await Promise.all(
      [1, 2].map(() => holdings.renewed('ada', renew).then((grant) => [grant.accessToken, written()])),
    )
    assert.deepEqual(both, [
      ['t0+1', 't0+1'],
      ['t0+1', 't0+1'],
    ])
    assert.equal((await holdings.renewed('ada', renew)).accessToken, 't0+1+2')
  })

  test('a renewal that fails leaves what there was, for the next to try again', async () => {
    const { holdings } = start(grantOf('t0'))
    await assert.rejects(holdings.renewed('ada', () => Promise.reject(new Fault('unavailable', 'Away.'))))
    assert.deepEqual(await holdings.of('ada'), { is: 'grant', grant: grantOf('t0') })
    assert.equal((await holdings.renewed('ada', async () => grantOf('t1'))).accessToken, 't1')
  })

  test('what cannot be stored is used all the same: the old one is used up', async () => {
    const { disk, lines, holdings } = start(grantOf('t0'))
    await holdings.of('ada')
    disk.isBroken = true
    assert.equal((await holdings.renewed('ada', async () => grantOf('t1'))).accessToken, 't1')
    assert.deepEqual(await holdings.of('ada'), { is: 'grant', grant: grantOf('t1') })
    assert.match(lines.join(''), /could not be stored/)
    assert.ok(!lines.join('').includes('t1'))
  })

  for (const [what, meanwhile, last, outcome] of [
    ['a logout', 'drop', 'removed', 'unauthenticated'],
    ['a new login', 'keep', 'new', 'new'],
  ] as const)
    test(`${what} while a renewal runs stays what it is`, async () => {
      const { disk, holdings } = start(grantOf('t0'))
      const { promise, resolve } = Promise.withResolvers<Grant>()
      const begun = Promise.withResolvers<void>()
      const renewing = holdings
        .renewed('ada', () => {
          begun.resolve()
          return promise
        })
        .then(
          (grant) => grant.accessToken,
          (fault: Fault) => fault.code,
        )
      await begun.promise
      await (meanwhile === 'drop' ? holdings.drop('ada', 'logged out') : holdings.keep('ada', grantOf('new')))
      resolve(grantOf('late'))
      assert.equal(await renewing, outcome)
      assert.equal(disk.writes.at(-1), last)
      assert.ok(!disk.writes.includes('late'))
    })

  test('what was given up is nobody else’s, as long as it is stored still, and where it stays stored', async () => {
    const { disk, holdings } = start(grantOf('t0'))
    await holdings.of('ada')
    const dropped = holdings.drop('ada', 'logged out')
    assert.equal(await holdings.storedBeside('ada', undefined), undefined)
    await dropped
    await holdings.keep('ada', grantOf('t1'))
    disk.isBroken = true
    await assert.rejects(holdings.drop('ada', 'logged out'), { code: 'unavailable' })
    disk.isBroken = false
    assert.equal(await holdings.storedBeside('ada', undefined), undefined)
  })

  test('writes happen in the order they were asked for', async () => {
    const { disk, changes, holdings } = start()
    await Promise.all([holdings.keep('ada', grantOf('t1')), holdings.drop('ada', 'logged out')])
    assert.deepEqual(disk.writes, ['t1', 'removed'])
    assert.equal((await holdings.of('ada')).is, 'nothing')
    assert.deepEqual(changes, ['nothing', 'grant', 'nothing'])
  })
})
