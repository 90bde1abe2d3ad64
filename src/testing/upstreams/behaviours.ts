import { spawn } from 'node:child_process'
import { appendFileSync, closeSync, readFileSync } from 'node:fs'
import { text, TOOLS, type Asked, type Era } from './honest.ts'

/** What makes a server different from the honest one. */
export interface Behaviour {
  /** Revisions it speaks; absent: those with a handshake. */
  readonly era?: Era
  /** True: it dealt with the message; the honest answer is not sent. */
  receive?(asked: Asked, line: string): boolean
  /** How honest answers go out. */
  write?(line: string): void
  tools?(): typeof TOOLS
  /** It stays when its input ends. */
  readonly outlivesInput?: boolean
}

export interface Means {
  /** Milliseconds, megabytes or a count, as the behaviour says. */
  readonly amount: number
  /** A file that lives longer than the process. */
  readonly file: string
  write(line: string): void
}

const MEGABYTE = 1024 * 1024

/** Every way to be broken. The comment says what is wrong and what `amount` means. */
export const BEHAVIOURS = {
  honest: () => ({}),
  'honest-modern': () => ({ era: 'modern' }),
  'honest-both': () => ({ era: 'both' }),

  /** Says why on stderr and ends. */
  'crashes-on-start': () => {
    process.stderr.write('Error: the database is locked\n')
    process.exit(3)
  },
  /** Ends at once the first `amount` times it is started; `file` counts. */
  'crashes-at-first': ({ amount, file }) => {
    appendFileSync(file, '.')
    if (readFileSync(file, 'utf8').length <= amount) process.exit(3)
    return {}
  },
  /** Begins its answer to a call and dies in the middle. */
  'crashes-in-call': ({ write }) => ({
    receive(asked) {
      if (!isCall(asked)) return false
      write('{"jsonrpc":"2.0","result":{"cont')
      process.stdout.end(() => process.exit(7))
      return true
    },
  }),
  /** Dies after answering `amount` calls. */
  'dies-after': ({ amount }) => {
    let calls = 0
    return {
      receive(asked) {
        if (isCall(asked) && ++calls > amount) process.exit(1)
        return false
      },
    }
  },
  /** Never answers a call; everything else it does. */
  'hangs-in-call': () => ({ receive: isCall }),
  /** From its first call on it does nothing at all, not even read. */
  blocks: () => ({
    receive(asked) {
      if (isCall(asked)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120_000)
      return false
    },
  }),
  /** Never answers anything, `initialize` included. */
  silent: () => ({ receive: () => true }),
  /** Reads nothing for `amount` ms: a slow start. */
  'starts-slowly': ({ amount }) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, amount)
    return {}
  },
  /** Ends at any request before `initialize`, as some servers do. */
  'exits-on-discover': () => {
    let met = false
    return {
      receive({ method }) {
        met ||= method === 'initialize'
        if (!met) process.exit(1)
        return false
      },
    }
  },
  /** Never answers what it doesn't know: a probe for another revision waits for ever. */
  'ignores-unknown': () => ({ receive: ({ method }) => method === 'server/discover' }),
  /** Picks a revision that nobody knows. */
  'wrong-revision': ({ write }) => ({
    receive: on('initialize', (id) => {
      const result = { protocolVersion: '1999-01-01', capabilities: {}, serverInfo: { name: 'old', version: '0' } }
      write(message({ id, result }))
    }),
  }),
  /** Answers `initialize` with something that is no such result. */
  'empty-initialize': ({ write }) => ({ receive: on('initialize', (id) => write(message({ id, result: {} }))) }),

  /** Prints what is no message, before, between and after its answers. */
  garbage: ({ write }) => {
    write('Server listening on stdio\n\n\r\n{"hello":1}\nnull\n[]\n{not json}\n')
    return {
      write(line) {
        write('debug: about to answer\n')
        process.stdout.write(Buffer.from([0xff, 0xfe, 0x00, 0x0a]))
        write(line)
        write('\u001B[32mdone\u001B[0m\n')
      },
    }
  },
  /** Its answer to a call is one line of `amount` megabytes. */
  'huge-line': ({ amount, write }) => ({
    receive: onCall((id) => write(message({ id, result: text('x'.repeat(amount * MEGABYTE)) }))),
  }),
  /** Its answer to a call has no end: `amount` megabytes without a line break, and nothing more. */
  'endless-line': ({ amount, write }) => ({
    receive: onCall(() => {
      for (let sent = 0; sent < amount; sent++) write('x'.repeat(MEGABYTE))
    }),
  }),
  /** Every answer leaves byte by byte. */
  'split-writes': () => ({
    write(line) {
      for (const byte of Buffer.from(line)) process.stdout.write(Buffer.from([byte]))
    },
  }),
  /** Writes `amount` megabytes on stderr at every call. */
  'chatty-stderr': ({ amount }) => ({
    receive(asked) {
      if (isCall(asked)) for (let said = 0; said < amount * 1024; said++) process.stderr.write(`${'e'.repeat(1023)}\n`)
      return false
    },
  }),

  /** Its list of tools takes `amount` ms. */
  'slow-list': ({ amount, write }) => ({
    receive: on('tools/list', (id) => void setTimeout(() => write(message({ id, result: { tools: TOOLS } })), amount)),
  }),
  /** There is always one more page. */
  'endless-list': ({ write }) => {
    let page = 0
    return {
      receive: on('tools/list', (id) => {
        page++
        const tools = [{ name: `tool_${page}`, inputSchema: { type: 'object' } }]
        write(message({ id, result: { tools, nextCursor: `${page}` } }))
      }),
    }
  },
  /** Each call adds a tool, changes the description of the others and says so. */
  'changes-tools': ({ write }) => {
    let changes = 0
    return {
      receive(asked) {
        if (!isCall(asked)) return false
        changes++
        write(message({ method: 'notifications/tools/list_changed' }))
        return false
      },
      tools: () => [
        ...TOOLS.map((tool) => (changes === 0 ? tool : { ...tool, description: `Changed ${changes} times.` })),
        ...Array.from({ length: changes }, (_, n) => ({ name: `added_${n + 1}`, inputSchema: { type: 'object' } })),
      ],
    }
  },

  /** Every answer comes twice. */
  'answers-twice': ({ write }) => ({
    write(line) {
      write(line)
      write(line)
    },
  }),
  /** Answers, before each true one, questions that nobody asked. */
  'wrong-ids': ({ write }) => ({
    write(line) {
      const { id } = JSON.parse(line) as Asked
      for (const wrong of [987_654_321, 'somebody', null, typeof id === 'number' ? `${id}` : 0, 1.5, -1])
        write(message({ id: wrong, result: text('not yours') }))
      write(line)
    },
  }),
  /** Every call gets a JSON-RPC error with data. */
  'error-answers': ({ write }) => ({
    receive: onCall((id) => write(message({ id, error: { code: -32050, message: 'No.', data: { why: [1, 'x'] } } }))),
  }),
  /** The answer to a call is what came, as it came, in a result that no serialiser would write. */
  raw: ({ write }) => ({
    receive(asked, line) {
      if (!isCall(asked)) return false
      const said = JSON.stringify(line)
      const odd = String.raw`"big": 12345678901234567890, "one":1.0, "x-unknown" : {"\u0061":[ ]}`
      write(
        `{"jsonrpc":"2.0", "id": ${JSON.stringify(asked.id)}, "result": { "content":[{"type":"text","text":${said}}], ${odd} }}\n`,
      )
      return true
    },
  }),
  /** `amount` progress messages and the answer leave in one write. */
  'progress-burst': ({ amount, write }) => ({
    receive(asked) {
      const meta = asked.params?.['_meta'] as { progressToken?: unknown } | undefined
      if (!isCall(asked) || meta?.progressToken === undefined) return false
      const { progressToken } = meta
      const progress = Array.from({ length: amount }, (_, n) =>
        message({ method: 'notifications/progress', params: { progressToken, progress: n + 1, total: amount } }),
      )
      write(`${progress.join('')}${message({ id: asked.id, result: text('done') })}`)
      return true
    },
  }),
  /** Sends `amount` log messages that nobody wants before it answers a call. */
  'floods-logs': ({ amount, write }) => ({
    receive(asked) {
      if (isCall(asked))
        for (let sent = 0; sent < amount; sent++)
          write(message({ method: 'notifications/message', params: { level: 'debug', data: `line ${sent}` } }))
      return false
    },
  }),
  /** Asks its client to sample during a call; the answer to the call is the client's answer as it came. */
  'asks-in-call': ({ write }) => {
    const calls = new Map<unknown, Asked['id']>()
    return {
      receive(asked, line) {
        if (isCall(asked)) {
          const id = `ask-${calls.size + 1}`
          calls.set(id, asked.id)
          const messages = [{ role: 'user', content: { type: 'text', text: 'Say something.' } }]
          write(message({ id, method: 'sampling/createMessage', params: { messages, maxTokens: 10 } }))
          return true
        }
        const call = calls.get(asked.id)
        if (asked.method !== undefined || call === undefined) return false
        write(message({ id: call, result: text(line) }))
        return true
      },
    }
  },

  /** Leaves a process behind that holds its pipes and hears no SIGTERM; the tool `pid` says both numbers. */
  'leaks-grandchild': ({ write }) => {
    const code = "process.on('SIGTERM',()=>{});process.on('SIGHUP',()=>{});setTimeout(()=>{},120000)"
    const { pid } = spawn(process.execPath, ['-e', code], { stdio: 'inherit' })
    return { receive: onCall((id) => write(message({ id, result: text(`${process.pid} ${pid}`) }))) }
  },
  /** Hears neither SIGTERM nor the end of its input. */
  'ignores-sigterm': () => {
    process.on('SIGTERM', () => undefined)
    // The timer of the program does not keep it alive, this one does.
    setInterval(() => undefined, 60_000)
    return { outlivesInput: true }
  },
  /** Runs on, but no word of it can come any more after its first call. */
  'closes-stdout': () => ({
    receive: onCall(() => {
      closeSync(1)
      setInterval(() => undefined, 60_000)
    }),
  }),
  /** Runs on, but takes nothing any more after its first call. */
  'closes-stdin': () => {
    setInterval(() => undefined, 60_000)
    return { outlivesInput: true, receive: onCall(() => process.stdin.destroy()) }
  },
} satisfies Record<string, (means: Means) => Behaviour>

const isCall = ({ method }: Asked): boolean => method === 'tools/call'

const on =
  (wanted: string, answer: (id: Asked['id']) => void) =>
  ({ id, method }: Asked): boolean => {
    if (method !== wanted) return false
    answer(id)
    return true
  }

const onCall = (answer: (id: Asked['id']) => void) => on('tools/call', answer)

const message = (body: object): string => `${JSON.stringify({ jsonrpc: '2.0', ...body })}\n`
