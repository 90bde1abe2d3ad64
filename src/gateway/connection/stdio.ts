import { busyPoll } from '../../kernel/busy-poll.ts'
import { Fault } from '../../kernel/fault.ts'
import { oneLine } from '../../kernel/mcp/raw.ts'
import { readInTurn } from '../process/in-turn.ts'
import type { ServerProcess } from '../process/server-process.ts'
import { Channel } from './channel.ts'
import { LineSplitter } from './lines.ts'
import type { WireOptions } from './wire.ts'

/** Bytes that may wait for a server that does not read. One message alone may be larger. */
const LARGEST_QUEUE_BYTES = 8 * 1024 * 1024
/** How long the last words of a process, and the reason of its end, may take to arrive. */
const LAST_WORDS_MS = 1000

/** MCP on the pipes of a child process, one message per line (2025-11-25 and 2026-07-28, stdio). */
export function overStdio(process: ServerProcess, options: WireOptions): Channel {
  const { name, clock, log, maxMessageBytes } = options
  const { stdin, stdout } = process
  let waiting = ''
  const flush = () => {
    const lines = waiting
    waiting = ''
    if (!stdin.destroyed) stdin.write(lines)
  }
  const channel = new Channel(options, {
    write(message) {
      if (stdin.writableLength + waiting.length > LARGEST_QUEUE_BYTES) throw notReading(name)
      // Calls that came in together leave in one write.
      if (waiting === '') setImmediate(flush)
      // What a client wrote over several lines stays one message.
      waiting += `${oneLine(message)}\n`
      return undefined
    },
    async close() {
      cancelWait()
      await process.stop()
    },
  })

  const splitter = new LineSplitter(maxMessageBytes, {
    onLine: (line) => channel.receive(line),
    onTooLong: (head, tail, bytes) => channel.refuse(head, tail, bytes),
  })
  readInTurn(stdout, (chunk) => {
    busyPoll.stayAwake()
    splitter.push(chunk)
  })
  stdout.on('error', (error) => log.debug('the output of a server broke', { error }))
  // Its end is seen below; what was not written is lost with it.
  stdin.on('error', (error) => log.debug('the input of a server broke', { error }))

  // A process has ended when its output has, too: an answer may still be in the pipe. Neither waits for the other for long.
  let reason: string | undefined
  let silent = false
  let cancelWait = () => {}
  const half = () => {
    if (reason !== undefined && silent) return finish()
    cancelWait()
    cancelWait = clock.after(LAST_WORDS_MS, finish)
  }
  const finish = () => {
    cancelWait()
    channel.lost(reason ?? 'it closed its output')
  }
  stdout.once('close', () => {
    silent = true
    half()
  })
  void process.ended.then((end) => {
    reason = end.reason
    half()
  })
  return channel
}

const notReading = (name: string) =>
  new Fault('unavailable', `${name} does not read what it is sent: more than ${LARGEST_QUEUE_BYTES} bytes wait.`, {
    hint: 'It is busy or hangs; ask again later.',
    details: { provider: name },
  })
