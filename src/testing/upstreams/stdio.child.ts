/**
 * An MCP server over stdio that is broken in one way: `node stdio.child.ts <behaviour> <amount> <file>`. Started by
 * tests through `stdioUpstream`. Whatever happens to it, it is gone two minutes later.
 */
import { createInterface } from 'node:readline'
import { honestAnswer, type Asked } from './honest.ts'
import { BEHAVIOURS, type Behaviour, type Means } from './behaviours.ts'

const [name = 'honest', amount = '0', file = ''] = process.argv.slice(2)
const make: ((means: Means) => Behaviour) | undefined = BEHAVIOURS[name as keyof typeof BEHAVIOURS]
if (make === undefined) throw new Error(`No behaviour called ${name}.`)

const write = (line: string): void => void process.stdout.write(line)
const behaviour = make({ amount: Number(amount), file, write })
const tell = behaviour.write ?? write

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const asked = JSON.parse(line) as Asked
  if (behaviour.receive?.(asked, line) === true) return
  const answered = honestAnswer(asked, behaviour.era ?? 'legacy', behaviour.tools?.())
  if (answered !== undefined) tell(`${JSON.stringify({ jsonrpc: '2.0', id: asked.id, ...answered })}\n`)
})
if (behaviour.outlivesInput !== true) lines.on('close', () => process.exit(0))
// It may be asked to write to somebody who is gone.
process.stdout.on('error', () => undefined)
setTimeout(() => process.exit(99), 120_000).unref()
