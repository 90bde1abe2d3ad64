import { startChild, type Child } from './child.ts'

/** Requests to send over and over, each on a connection of its own. */
export interface LoadJob {
  readonly port: number
  /** Whole HTTP requests, as they go over the wire. */
  readonly requests: readonly string[]
  /** What every answer must contain. */
  readonly expect: string
  readonly durationMs: number
}

export interface LoadResult {
  readonly callsPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
  /** Share of one core that the client itself used. */
  readonly clientCpu: number
}

export const startLoad = (): Promise<Child<LoadJob, LoadResult>> =>
  startChild(new URL('./load.child.ts', import.meta.url))

/** A POST with a JSON body, as it goes over the wire. */
export function postRequest(path: string, headers: Readonly<Record<string, string>>, body: object): string {
  const json = JSON.stringify(body)
  const all = {
    host: '127.0.0.1',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(json)),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${json}`
}
