/** Runs campaigns on the maze and prints what came of them: what V8 counts once, it counts until the process ends. */
import type { Target } from '../target.ts'
import { runCampaign } from './campaign.ts'
import { startCoverage } from './coverage.ts'
import { walkMaze } from './maze.fixture.ts'

startCoverage()
const maze: Target = {
  name: 'demo/maze',
  covers: ['fuzz/engine/maze.fixture.ts'],
  seeds: ['----'],
  tokens: ['{', '"', '['],
  longestBytes: 8,
  check: (input) => void walkMaze(input.toString('latin1')),
}
const kept: Buffer[] = []
const goesOn = (runs: number) => runs < 1500
const blind = await runCampaign(maze, { seed: 5, goesOn })
const guided = await runCampaign(maze, { seed: 5, goesOn, isGuided: true, onKept: (input) => kept.push(input) })
const resumed = await runCampaign(maze, { seed: 6, goesOn: () => false, isGuided: true, corpus: kept })
console.log(
  JSON.stringify({
    blind: blind.findings.length,
    guided: guided.findings.map(({ input, error }) => [input.toString(), String(error)]),
    kept: kept.length,
    resumed: resumed.known - maze.seeds.length,
  }),
)
