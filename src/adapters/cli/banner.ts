import type { PartReport } from '../../kernel/ports.ts'
import { clientSnippet, shellWord, stdioSnippet, TOKEN_PLACE } from './client-snippet.ts'
import type { RunningHub } from './hub.ts'
import { columns, type Style } from './style.ts'

export interface BannerFacts {
  readonly version: string
  readonly startedMs: number
  readonly hub: Pick<RunningHub, 'services' | 'urls' | 'tokenFile' | 'parts'>
  readonly demo: boolean
  readonly remoteBroker: boolean
  /** How to start this program, with the flags that lead to the same data folder. */
  readonly command: readonly string[]
  readonly dataFlags: readonly string[]
  readonly style: Style
}

const QUESTIONS = [
  'What is going on in my home right now?',
  'Which device is acting up, and what makes you think so?',
  'Turn the hall light on and tell me what it answered.',
]

/**
 * What a person needs after the start. The token itself is not in it: a terminal's history, a container's log and a
 * shared screen outlive the moment. The commands below take it from its file.
 */
export function banner(facts: BannerFacts): string {
  const { style, hub, version, startedMs } = facts
  if (hub.services) return servicesBanner(hub.services, facts)
  const head = `${style.bold(`Alicia ${version}`)} is running ${style.dim(`(ready in ${(startedMs / 1000).toFixed(1)} s)`)}`
  const blocks = [
    [head],
    columns(addresses(facts)),
    connecting(facts),
    ...(facts.demo ? [asking(style)] : []),
    ...troubles(hub.parts(), style),
    [style.dim('Ctrl-C stops it.')],
  ]
  return `\n${blocks.map((block) => block.map((line) => (line === '' ? '' : `  ${line}`)).join('\n')).join('\n\n')}\n\n`
}

/** Of a process that runs services for a hub elsewhere. */
function servicesBanner(services: readonly string[], { style, hub, version, startedMs }: BannerFacts): string {
  const head = `${style.bold(`Alicia ${version}`)} runs ${services.join(', ')} for the hub at ${style.cyan(hub.urls.mqtt)}`
  const blocks = [
    [`${head} ${style.dim(`(ready in ${(startedMs / 1000).toFixed(1)} s)`)}`],
    ...troubles(hub.parts(), style),
    [style.dim('Ctrl-C stops it.')],
  ]
  return `\n${blocks.map((block) => block.map((line) => `  ${line}`).join('\n')).join('\n\n')}\n\n`
}

function addresses({ hub, style, remoteBroker, ...facts }: BannerFacts): string[][] {
  const { http, mcp, mqtt, mqttWebSocket } = hub.urls
  const login = remoteBroker ? 'your own broker' : 'user alicia, password: the access token'
  const command = [...facts.command, 'token', ...facts.dataFlags].map(shellWord).join(' ')
  return [
    [style.dim('API and dashboard'), style.cyan(http)],
    [style.dim('MCP'), style.cyan(mcp)],
    [style.dim('MQTT'), `${style.cyan(mqtt)}  ${style.dim(login)}`],
    ...(mqttWebSocket === undefined ? [] : [['', style.cyan(mqttWebSocket)]]),
    hub.tokenFile === undefined
      ? [style.dim('Access token'), 'the one in ALICIA_TOKEN or the configuration']
      : [style.dim('Access token'), `in ${hub.tokenFile}`],
    ['', `${style.dim('print it:')} ${command}`],
  ]
}

function connecting({ hub, style, command, dataFlags }: BannerFacts): string[] {
  const { mcp } = hub.urls
  const token = hub.tokenFile === undefined ? '$ALICIA_TOKEN' : `$(cat ${shellWord(hub.tokenFile)})`
  const snippet = [...command, 'token', '--snippet', ...dataFlags].map(shellWord).join(' ')
  return [
    style.bold('Connect an assistant'),
    '',
    style.dim('Claude Code'),
    `  claude mcp add --scope user --transport http alicia ${mcp} --header "Authorization: Bearer ${token}"`,
    style.dim('Any client on this machine; it needs no token'),
    `  ${JSON.stringify(stdioSnippet([...command, 'stdio', ...dataFlags]))}`,
    style.dim(`Any client over HTTP; with the token filled in: ${snippet}`),
    `  ${JSON.stringify(clientSnippet(mcp, TOKEN_PLACE))}`,
  ]
}

function asking(style: Style): string[] {
  return [
    style.bold('A simulated home is running; ask your assistant'),
    '',
    ...QUESTIONS.map((question) => `“${question}”`),
  ]
}

function troubles(parts: readonly PartReport[], style: Style): string[][] {
  const down = parts.filter(({ status }) => status === 'unavailable' || status === 'degraded')
  if (down.length === 0) return []
  return [
    down.map(({ name, status, reason }) => `${style.yellow(`${name} is ${status}`)}: ${reason ?? 'no reason known'}`),
  ]
}
