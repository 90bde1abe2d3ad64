import process from 'node:process'
import { silentLog } from '../../kernel/log.ts'
import { createGuard } from './guard.ts'
import { spawnServer } from './spawn-server.ts'

// A program as the hub is one, for tests that kill it: starts each server that its arguments describe (JSON), and says
// the pids of all of them in one line when each has said its own.
const guard = createGuard({ log: silentLog })
const servers = process.argv.slice(2).map((argument) => {
  const { command, args } = JSON.parse(argument) as { command: string; args: string[] }
  const options = { log: silentLog, guard, environment: process.env, secrets: [], onStderr: () => undefined }
  return spawnServer({ kind: 'stdio', command, args, env: {} }, { name: 'test', ...options })
})
const said = servers.map(
  ({ stdout }) => new Promise<string>((resolve) => stdout.once('data', (chunk: Buffer) => resolve(String(chunk)))),
)
process.stdout.write(`${(await Promise.all(said)).join(' ').replaceAll('\n', '')}\n`)
// Says what it is told once its event loop comes round to it.
process.stdin.pipe(process.stdout)
