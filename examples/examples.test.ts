import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import { runProgram } from '../e2e/support/program.ts'

const root = dirname(import.meta.dirname)
const stories = globSync('examples/*/*.ts', { cwd: root, exclude: ['examples/support'] }).toSorted()

suite('examples', () => {
  test('each folder is one story, told by the program of its name', () => {
    assert.ok(stories.length >= 10, stories.join(', '))
    for (const story of stories) assert.equal(basename(story, '.ts'), basename(dirname(story)))
  })

  for (const story of stories)
    test(basename(story, '.ts'), async () => {
      const { code, stdout, stderr } = await runProgram(process.execPath, [join(root, story)])
      assert.equal(code, 0, `${stdout}${stderr}`)
      assert.notEqual(stdout, '', 'It says what it found.')
    })
})
