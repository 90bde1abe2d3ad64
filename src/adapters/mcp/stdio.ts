import { StringDecoder } from 'node:string_decoder'
import type { Readable, Writable } from 'node:stream'
import type { Caller } from '../../kernel/caller.ts'
import { createChannel } from './channel.ts'
import { invalidRequest } from '../../kernel/mcp/message.ts'
import { errorText } from './outgoing.ts'
import type { McpServer } from './server.ts'

export interface StdioOptions {
  readonly server: McpServer
  readonly caller: Caller
  /** Absent: everything. */
  readonly profile?: string
  readonly input: Readable
  readonly output: Writable
  /** A longer line is refused instead of kept. */
  readonly largestLineBytes: number
}

/**
 * MCP on a pair of streams, one message per line (2026-07-28, stdio). Resolves when the input has ended and all that
 * came has been answered. Throws Fault `not_found` for a profile that does not exist.
 */
export async function serveStdio(options: StdioOptions): Promise<void> {
  const { input, output, largestLineBytes } = options
  const channel = createChannel({ ...options, send: (message) => void output.write(`${message}\n`) })
  for await (const line of lines(input, largestLineBytes)) {
    if (line === TOO_LONG) output.write(`${tooLong(largestLineBytes)}\n`)
    else if (line.trim() !== '') channel.receive(line)
  }
  await channel.settled()
  channel.close()
}

const TOO_LONG = Symbol('a line over the limit')

/** Lines of a stream; of one that is too long only the fact. */
async function* lines(input: Readable, largestBytes: number): AsyncGenerator<string | typeof TOO_LONG> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let skipping = false
  for await (const chunk of input) {
    const parts = (rest + decoder.write(chunk as Buffer)).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      if (!skipping) yield part
      skipping = false
    }
    if (rest.length <= largestBytes) continue
    if (!skipping) yield TOO_LONG
    skipping = true
    rest = ''
  }
  rest += decoder.end()
  if (rest !== '' && !skipping) yield rest
}

const tooLong = (largestBytes: number) =>
  errorText(undefined, invalidRequest(`a line is at most ${largestBytes} bytes long`))
