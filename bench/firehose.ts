import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findProgram } from '../scripts/ensure-servers.ts'
import { end, startChild } from './child.ts'
import type { BenchHub } from './hub.ts'
import { post, statelessCall } from './mcp.ts'
import { connectOwner } from './mqtt.ts'

export interface PublishJob {
  readonly topic: string
  readonly count: number
  readonly qos: 0 | 1
}

export interface PublishResult {
  readonly seconds: number
}

export interface FirehoseResult {
  /** By the hub's collection. */
  readonly received: number
  /** By mosquitto_sub, from the same publisher at the same time. */
  readonly bySub: number
  readonly publishedPerSecond: number
}

const TOPIC = 'bench/firehose'
/** Seconds a collection may take; it ends before if everything has come. */
const LONGEST_S = 20
/** A sample is of its whole time: enough for what is published. */
const SAMPLED_S = 8

/** How the hub collects, and how much. */
type Collecting = Omit<PublishJob, 'topic'> & { readonly mode?: 'first' | 'sample' }

/** One publisher; the hub's collection and mosquitto_sub listen at the same time. */
export async function firehose(hub: BenchHub, job: Collecting): Promise<FirehoseResult> {
  await using publisher = await startChild<PublishJob, PublishResult>(
    new URL('./publisher.child.ts', import.meta.url),
    [String(hub.mqttPort), hub.token],
  )
  await using sub = await startSub(hub, job)
  const collection = await startCollection(hub, job)
  const { seconds } = await publisher.ask({ count: job.count, qos: job.qos, topic: TOPIC })
  const received = await collection.received
  return { received, bySub: await sub.count(), publishedPerSecond: job.count / seconds }
}

/** Resolves when it is subscribed; `received` resolves when everything has come, or the time is over. */
async function startCollection(hub: BenchHub, { count, qos, mode = 'first' }: Collecting) {
  const { session_id } = await call(hub, 'establish_connection', {})
  const many = mode === 'first' ? { duration: LONGEST_S, max_messages: count } : { duration: SAMPLED_S }
  const input = { session_id, topic: `${TOPIC}/#`, mode, ...many, qos }
  const response = await post(hub, statelessCall(hub, 1, 'subscribe_and_collect', input, { progressToken: 'bench' }))
  if (!response.body) throw new TypeError('The collection has no answer.')
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  // The first report of progress says that the subscription stands.
  let { value: text = '' } = await reader.read()
  const rest = async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value
    const data = text.slice(text.lastIndexOf('data: ') + 'data: '.length)
    const { result } = JSON.parse(data) as { result: { structuredContent: { received: number } } }
    return result.structuredContent.received
  }
  return { received: rest() }
}

async function call(hub: BenchHub, name: string, input: object): Promise<Record<string, unknown>> {
  const answer = await (await post(hub, statelessCall(hub, 1, name, input))).json()
  return (answer as { result: { structuredContent: Record<string, unknown> } }).result.structuredContent
}

/** mosquitto_sub, counting the lines it prints: 0 for a live message, 1 for the retained one. */
async function startSub(hub: BenchHub, { count, qos }: Omit<PublishJob, 'topic'>) {
  // A retained message of another topic tells that both subscriptions stand.
  const ready = 'bench/ready'
  const owner = await connectOwner(hub)
  await owner.publishAsync(ready, 'ready', { retain: true, qos: 1 })
  await owner.endAsync()
  const login = ['-h', '127.0.0.1', '-p', String(hub.mqttPort), '-u', 'alicia', '-P', hub.token]
  const limits = ['-C', String(count + 1), '-W', String(LONGEST_S)]
  const topics = ['-t', `${TOPIC}/#`, '-t', ready]
  const args = [...login, '-V', '5', '-q', String(qos), '-F', '%r', ...topics, ...limits]
  const child = spawn(subProgram(), args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = once(child, 'exit')
  const subscribed = Promise.withResolvers<void>()
  let live = 0
  child.stdout.on('data', (bytes: Buffer) => {
    for (const byte of bytes) {
      if (byte === LIVE) live++
      else if (byte === RETAINED) subscribed.resolve()
    }
  })
  await Promise.race([subscribed.promise, exited.then(() => Promise.reject(new Error('mosquitto_sub ended early.')))])
  return {
    async count() {
      await exited
      return live
    },
    [Symbol.asyncDispose]: () => end(child),
  }
}

function subProgram(): string {
  const program = findProgram('mosquitto_sub', ['/opt/homebrew/bin'])
  if (program === undefined)
    throw new Error('mosquitto_sub is not installed; node scripts/ensure-servers.ts says how to.')
  return program
}

const LIVE = '0'.charCodeAt(0)
const RETAINED = '1'.charCodeAt(0)
