import { rmSync } from 'node:fs'
import process from 'node:process'
import { startHub, temporaryFolder, type BenchHub } from '../hub.ts'
import type { Row } from '../row.ts'

const ROUNDS = 3
const WRITERS = 8
const WRITES = 400

/** A hub that is killed while several write: what was answered must be on record, and the chain of the record sound. */
export const auditCrash: Row = {
  tags: ['audit', 'crash'],
  name: 'audit after kill -9 under load',
  limit: 'nothing lost that was answered',
  async run() {
    const folder = temporaryFolder()
    try {
      let [answered, lost, unanswered] = [0, 0, 0]
      for (let round = 0; round < ROUNDS; round++) {
        const names = await writeUntilKilled(folder, round)
        await using hub = await startHub({ folder })
        const onRecord = await namesOnRecord(hub, `r${round}-`)
        answered += names.size
        lost += names.difference(onRecord).size
        unanswered += onRecord.difference(names).size
        const { is_sound: isSound } = (await post(hub, 'audit.verify_audit', {})) as { is_sound: boolean }
        if (!isSound) throw new Error('The audit is not sound after a crash.')
      }
      return {
        measured: `${lost} of ${answered} lost`,
        reference: `${unanswered} on record whose answer nobody heard; chain sound ${ROUNDS} of ${ROUNDS} times`,
        ok: lost === 0,
        figures: { answered, lost, unanswered },
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** Some make tokens side by side until the hub is gone. Returns the names of those that were answered. */
async function writeUntilKilled(folder: string, round: number): Promise<Set<string>> {
  await using hub = await startHub({ folder })
  const answered = new Set<string>()
  const write = async (writer: number) => {
    for (let number = 0; ; number++) {
      const name = `r${round}-${writer}-${number}`
      await post(hub, 'tokens.create_token', { name, scopes: ['mqtt:read'] })
      answered.add(name)
      if (answered.size === WRITES) process.kill(hub.pid, 'SIGKILL')
    }
  }
  // Each of them ends when the hub does.
  await Promise.allSettled(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
  if (answered.size < WRITES) throw new Error(`Only ${answered.size} writes were answered.`)
  return answered
}

interface Page {
  readonly entries: readonly { readonly arguments?: { readonly name?: string } }[]
  readonly cursor?: string
}

async function namesOnRecord(hub: BenchHub, prefix: string): Promise<Set<string>> {
  const names = new Set<string>()
  for (let cursor: string | undefined; ;) {
    const input = {
      operation: 'tokens.create_token',
      outcome: 'ok',
      limit: 500,
      ...(cursor !== undefined && { cursor }),
    }
    const page = (await post(hub, 'audit.search_audit', input)) as Page
    for (const { arguments: given } of page.entries) if (given?.name?.startsWith(prefix)) names.add(given.name)
    cursor = page.cursor
    if (cursor === undefined) return names
  }
}

/** The result; throws for anything else. */
async function post({ httpUrl, token }: BenchHub, operation: string, input: object): Promise<unknown> {
  const response = await fetch(`${httpUrl}/api/${operation.replace('.', '/')}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  const body: unknown = await response.json()
  if (response.ok) return body
  throw new Error(`${operation} answered ${response.status}: ${JSON.stringify(body)}`)
}
