import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { failuresOf, losses, passedIn, runSuite, successes, type SuiteRun } from '../support/conformance.ts'
import { emptyHome, type Ending, type Home } from '../support/hub.ts'
import { SERVERS, startFixture, startHubWith } from '../support/servers.ts'
import { withToken } from '../support/with-token.ts'

type Revision = '2025-11-25' | '2026-07-28'
type Era = 'legacy' | 'modern'

/** The tasks extension exists in 2026-07-28 only, and no bridge can make it. */
const isOfTasks = (scenario: string): boolean => scenario.startsWith('tasks-')

suite('the official conformance suite, three other servers attached', () => {
  for (const [revision, era, scenarios, checks] of [
    ['2025-11-25', 'legacy', 33, 84],
    ['2026-07-28', 'modern', 50, 196],
  ] as const)
    test(`${revision} on a server that speaks it: every check as without the hub`, async (t) => {
      const [without, run] = await Promise.all([direct(t, revision, era), throughHub(t, revision, era)])
      assert.deepEqual(failures(without), [])
      assert.deepEqual([without.size, successes(without)], [scenarios, checks])
      assert.deepEqual(losses(without, run), [])
    })

  // Each side speaks one era only, and the hub turns the one into the other.
  for (const [revision, era, allowed] of [
    // It looks for the name of a question, which the older wire does not carry.
    ['2026-07-28', 'legacy', ['input-required-result-basic-elicitation']],
    ['2025-11-25', 'modern', []],
  ] as const satisfies readonly [Revision, Era, readonly string[]][])
    test(`${revision} on a server that speaks ${era} only`, async (t) => {
      const run = await throughHub(t, revision, era)
      const failed = [...run.keys()].filter((name) => !isOfTasks(name) && !passedIn(run).includes(name))
      assert.deepEqual(
        failed.filter((name) => !allowed.some((one) => one === name)),
        [],
        failures(run).join('\n'),
      )
    })
})

async function direct(ending: Ending, revision: Revision, era: Era): Promise<SuiteRun> {
  return await runSuite(emptyHome(ending), await startFixture(ending, era), revision)
}

async function throughHub(ending: Ending, revision: Revision, era: Era): Promise<SuiteRun> {
  const url = await startFixture(ending, era)
  const servers = (home: Home) => ({
    everything: SERVERS.everything(),
    filesystem: SERVERS.filesystem(home),
    fixture: { url },
    memory: SERVERS.memory(home),
  })
  // With the hub's own tools it is more than a model should get at once; the suite looks for each in the list.
  const hub = await startHubWith(ending, servers, { limits: { listTokens: 1_000_000 } })
  return await runSuite(hub.home, `${await withToken(ending, hub.urls.http, hub.token)}/mcp`, revision)
}

const failures = (run: SuiteRun): string[] =>
  [...run.keys()].flatMap((name) => failuresOf(run, name).map((failure) => `${name}/${failure}`))
