import type { RunningHub } from '../adapters/cli/hub.ts'
import { serveStdio } from '../adapters/mcp/stdio.ts'
import type { Config } from '../config.ts'
import { openDataFolder } from '../engines/data-folder.ts'
import type { Tracing } from '../engines/tracing/tracing.ts'
import { startBusyPoll } from '../kernel/busy-poll.ts'
import { OWNER } from '../kernel/identity.ts'
import { shieldJson } from '../kernel/json-shield.ts'
import { assemble, type StartOptions } from './assemble.ts'
import type { OwnBroker } from './engines.ts'
import { withSecrets } from './config-secrets.ts'
import { CALLS_GRACE_MS } from './limits.ts'
import { secretsIn } from './secrets.ts'

/** Starts everything that the configuration asks for. Throws Fault; nothing runs on then. */
export async function startHub(given: Config, options: StartOptions): Promise<RunningHub> {
  shieldJson()
  const { log } = options
  const config = withSecrets(given)
  startBusyPoll(config.busyPollMicroseconds)
  for (const secret of secretsIn(config)) log.hide(secret)
  const tracing = await tracingOf(config, options)
  const folder = openDataFolder({ path: config.data, log, ...(config.token !== undefined && { token: config.token }) })
  log.hide(folder.token)
  const assembly = assemble(config, folder, { ...options, ...(tracing && { tracer: tracing }) })
  const { lifecycle, door } = assembly
  const stop = async () => {
    await door.close(CALLS_GRACE_MS)
    await lifecycle.stop()
    await tracing?.close()
    folder.close()
  }
  try {
    await lifecycle.start()
    const urls = urlsOf(assembly.address(), assembly.broker())
    const { version } = options
    folder.announce({ url: urls.http, mqttUrl: urls.mqtt, version, startedAt: assembly.hub.startedMs })
    return {
      urls,
      tokenFile: folder.tokenSource === 'file' ? folder.tokenFile : undefined,
      parts: () => lifecycle.reports(),
      stop: once(stop),
      serveStdio: (streams) =>
        serveStdio({
          ...streams,
          server: assembly.mcp,
          caller: { ...OWNER, via: 'mcp' },
          largestLineBytes: LARGEST_LINE_BYTES,
        }),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** One message on standard input, bytes. */
const LARGEST_LINE_BYTES = 16 * 1024 * 1024

/** Loaded only where it is wanted: it costs a hub megabytes. */
async function tracingOf({ tracing }: Config, { log, version }: StartOptions): Promise<Tracing | undefined> {
  if (tracing.url === undefined) return undefined
  const { openTracing } = await import('../engines/tracing/tracing.ts')
  return openTracing({ url: tracing.url, version, log })
}

function urlsOf(http: string, broker: OwnBroker | undefined): RunningHub['urls'] {
  const webSocket = broker?.accept ? `${http.replace(/^http/, 'ws')}/mqtt` : broker?.webSocketUrl
  return {
    http,
    mcp: `${http}/mcp`,
    mqtt: broker?.url ?? '',
    ...(webSocket !== undefined && { mqttWebSocket: webSocket }),
  }
}

export function once(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => (running ??= task())
}
