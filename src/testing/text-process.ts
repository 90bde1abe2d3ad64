import process from 'node:process'
import { deeds, startProcess, textTools } from './bus.ts'

/**
 * `node text-process.ts <url> <instance>`: a process that runs the service of the tests, to be killed. It says `ready`, and
 * then what it does, a line each.
 */
const [url = '', instance = ''] = process.argv.slice(2)
const done = deeds()
const say = (line: string) => process.stdout.write(`${line}\n`)
const tools = textTools({ wait: done.wait, runs: { push: say } }, instance)
await startProcess({ after: () => undefined }, { url, instance, tools })
say('ready')
