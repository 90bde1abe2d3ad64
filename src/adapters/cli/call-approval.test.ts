import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import { operation } from '../../kernel/operation.ts'
import { OWNER_TOKEN, restServer } from '../../testing/rest-server.ts'
import { testTerminal } from '../../testing/terminal.ts'
import { createCli } from './cli.ts'
import type { Composition, HubConfig } from './hub.ts'

const waiting = {
  id: '4F2K',
  operation: 'home.wipe_room',
  summary: 'Wipes a room.',
  provider: 'home',
  caller: { name: 'k\u200bim', role: 'child', via: 'mcp', address: '192.168.1.7' },
  arguments: { room: 'attic\u001b[2J', password: '[redacted]' },
  fingerprint: 'f00',
  asked_at: '2026-01-01T00:00:00.000Z',
  until: '2026-01-01T00:02:00.000Z',
}
const allowance = { id: '7QRS', operation: 'home.a', caller: 'kim', approved_by: 'anna', until: waiting.until }

/** A hub that answers so, and the command line that speaks to it; `seen` is what it was asked. */
async function hub(t: TestContext, lists: object[]) {
  const seen: [name: string, input: unknown][] = []
  const answering = (name: `${string}.${string}`, answer: () => unknown) =>
    operation()({
      name,
      summary: 'Answers.',
      scope: 'approvals:write',
      effect: 'write',
      input: z.looseObject({}),
      output: z.unknown(),
      handler: async () => answer(),
    }).bind({})
  const tools = [
    answering('approvals.list_approvals', () => {
      const list = lists.shift()
      if (list) return list
      throw new Fault('stopping', 'The hub is shutting down.')
    }),
    answering('approvals.approve_call', () => ({ id: waiting.id, approved: waiting.operation })),
    answering('approvals.deny_call', () => ({ id: waiting.id, denied: waiting.operation })),
    answering('approvals.list_decisions', () => ({ decisions: [] })),
  ].map((tool) => ({
    ...tool,
    parse(input: unknown) {
      if (tool.name !== 'approvals.list_approvals') seen.push([tool.name, input])
      return input
    },
    run: tool.run,
  }))
  const { url } = await restServer(t, tools)
  const nobody = () => assert.fail('nothing of this machine is to be used')
  const composition: Composition<HubConfig> = {
    version: '1',
    flags: [],
    loadConfig: nobody,
    startHub: nobody,
    findHub: nobody,
    readToken: nobody,
    rotateToken: nobody,
    checkDatabase: nobody,
    servers: nobody,
  }
  const run = async (args: readonly string[], stdin = '', tty = false) => {
    const terminal = testTerminal({ tty })
    if (tty) Object.assign(terminal.stdin, { isTTY: true, setRawMode: () => undefined }).write(stdin)
    else terminal.stdin.end(stdin)
    const code = await createCli(composition, terminal).run([...args, '--url', url, '--token', OWNER_TOKEN])
    return { code, out: terminal.out(), err: terminal.err() }
  }
  return { run, seen }
}

const one = { version: 1, waiting: [waiting], allowed: [allowance] }
const none = { version: 2, waiting: [], allowed: [] }

suite('alicia approvals', () => {
  test('shows who asks for what, and nothing that people do not see', async (t) => {
    const { run } = await hub(t, [one])
    const { code, out, err } = await run(['approvals'])
    assert.equal(code, 0)
    assert.match(
      out,
      /^4F2K {2}home\.wipe_room {2}until \d\d:\d\d:00\n {2}k\\u\{200b\}im \(child, by mcp, from 192\.168\.1\.7\)\n/,
    )
    assert.match(out, /room: "attic\\u001b\[2J"\n {4}password: "\[redacted\]"\n/)
    assert.match(out, /7QRS {2}kim may home\.a until \d\d:\d\d:00 \(anna\)\n$/)
    assert.match(err, /`alicia approve-call 4F2K` lets it go on/)
  })

  test('nothing waits', async (t) => {
    const { run } = await hub(t, [none])
    assert.deepEqual(await run(['approvals']), { code: 0, out: '', err: 'No call waits for approval.\n' })
  })

  test('--watch shows each once', async (t) => {
    const { run } = await hub(t, [none, one, { ...one, version: 3 }])
    const { out } = await run(['approvals', '--watch'])
    assert.equal(out.match(/home\.wipe_room/g)?.length, 1)
  })

  const words: [args: string[], stdin: string | undefined, code: number, asked: object | undefined, says: RegExp][] = [
    [
      ['approve-call', '4f2k', '--yes'],
      undefined,
      0,
      { id: '4F2K', fingerprint: 'f00', for_minutes: 0 },
      /room[\s\S]*Approved: 4F2K\.\n$/,
    ],
    [
      ['approve', '4F2K', '--yes'],
      undefined,
      0,
      { id: '4F2K', fingerprint: 'f00', for_minutes: 0 },
      /Approved: 4F2K\.\n$/,
    ],
    [
      ['approve-call', '4F2K', '-y', '-m', '10'],
      undefined,
      0,
      { id: '4F2K', fingerprint: 'f00', for_minutes: 10 },
      /Approved/,
    ],
    [['approve-call', '4F2K'], undefined, 2, undefined, /wipe_room/],
    [['approve-call', '4F2K'], 'y', 0, { id: '4F2K', fingerprint: 'f00', for_minutes: 0 }, /Let it be done\?/],
    [['approve-call', '4F2K'], '\r', 130, undefined, /Let it be done\?/],
    [['approve-call', '2222', '-y'], undefined, 1, undefined, /^$/],
    [['approve-call', '4F2K', '-y', '-m', '61'], undefined, 2, undefined, /^$/],
    [
      ['deny-call', '4f2k', 'the', 'cat', 'sleeps'],
      undefined,
      0,
      { id: '4f2k', reason: 'the cat sleeps' },
      /^Denied: 4F2K\.\n$/,
    ],
    [['deny-call', '4F2K'], undefined, 0, { id: '4F2K' }, /^Denied: 4F2K\.\n$/],
  ]
  for (const [args, stdin, code, asked, says] of words)
    test(`${args.join(' ')}${stdin === undefined ? '' : `, answered ${JSON.stringify(stdin)}`}`, async (t) => {
      const { run, seen } = await hub(t, [one])
      const ran = await run(args, stdin, stdin !== undefined)
      assert.equal(ran.code, code, ran.err)
      assert.deepEqual(
        seen.map(([, input]) => input),
        asked === undefined ? [] : [asked],
      )
      assert.match(ran.out, says)
      if (code === 1) assert.match(ran.err, /No call "2222" waits for approval\.\n.*These wait: 4F2K\./)
    })
})
