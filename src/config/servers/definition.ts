import { pathToFileURL } from 'node:url'
import type {
  OAuthDefinition,
  RestartPolicy,
  ServerDefinition,
  ToolOverride,
} from '../../kernel/mcp/server-definition.ts'
import { fingerprintOf } from './fingerprint.ts'
import { identifierOf } from './identifier.ts'
import type { Place } from './place.ts'
import type { Entry, Extras } from './schema.ts'
import { replicasOf } from './transport.ts'
import { Unusable } from './unusable.ts'

/** Where the file says nothing. */
const DEFAULTS = {
  balance: 'round_robin',
  profiles: [],
  startTimeoutSeconds: 30,
  patienceSeconds: 10,
  concurrency: 64,
  queue: 256,
  start: 'eager',
  sharing: 'auto',
  mostConnections: 8,
  needs: [],
  roots: [],
  newTools: 'trust',
  changedTools: 'hold',
} as const satisfies Extras
const RESTART = { firstDelaySeconds: 0.25, mostDelaySeconds: 60, mostAttempts: 10 } as const

/** The definition of a server, every reference resolved and every default filled in. Throws `Unusable`. */
export function definitionOf(name: string, entry: Entry, extras: Extras, place: Place): ServerDefinition {
  const { balance, profiles, start, sharing, mostConnections, needs, newTools, changedTools, ...settings } = {
    ...DEFAULTS,
    ...extras,
  }
  const { concurrency, queue, timeoutSeconds, idleStopMinutes, hedgeAfterMs, memoryMegabytes, oauth } = settings
  const tools = toolRules(extras.tools)
  const definition: Omit<ServerDefinition, 'fingerprint'> = {
    id: identifierOf(name),
    name,
    enabled: entry.enabled ?? entry.disabled !== true,
    replicas: replicasOf(entry, extras, place),
    balance,
    ...(oauth && { oauth: oauthOf(oauth, place) }),
    profiles,
    ...(tools.allow && { allowTools: tools.allow }),
    denyTools: tools.deny ?? [],
    overrides: new Map(Object.entries(tools.override ?? {}).map(([tool, override]) => [tool, overrideOf(override)])),
    ...(timeoutSeconds !== undefined && { timeoutMs: toMs(timeoutSeconds) }),
    startTimeoutMs: toMs(settings.startTimeoutSeconds),
    patienceMs: toMs(settings.patienceSeconds),
    concurrency,
    queue,
    start,
    ...(idleStopMinutes !== undefined && { idleStopMs: toMs(idleStopMinutes * 60) }),
    restart: restartOf(settings.restart),
    sharing,
    mostConnections,
    ...(hedgeAfterMs !== undefined && { hedgeAfterMs }),
    needs,
    ...(memoryMegabytes !== undefined && { memoryMegabytes }),
    roots: settings.roots.map((root, index) => rootOf(root, place, ['roots', index])),
    newTools,
    changedTools,
    secrets: [...place.secrets],
  }
  return { ...definition, fingerprint: fingerprintOf(definition) }
}

const toMs = (seconds: number) => Math.round(seconds * 1000)

type ToolRules = Exclude<Extras['tools'], undefined | readonly string[]>

const toolRules = (tools: Extras['tools']): ToolRules => (Array.isArray(tools) ? { allow: tools } : (tools ?? {}))

function overrideOf({ timeoutSeconds, ...rest }: NonNullable<ToolRules['override']>[string]): ToolOverride {
  return { ...rest, ...(timeoutSeconds !== undefined && { timeoutMs: toMs(timeoutSeconds) }) }
}

function restartOf(restart: Extras['restart'] = 'always'): RestartPolicy {
  const given = typeof restart === 'string' ? {} : restart
  const { firstDelaySeconds, mostDelaySeconds, mostAttempts } = { ...RESTART, ...given }
  return {
    firstDelayMs: toMs(firstDelaySeconds),
    mostDelayMs: toMs(Math.max(firstDelaySeconds, mostDelaySeconds)),
    mostAttempts: restart === 'never' ? 0 : mostAttempts,
  }
}

function oauthOf(oauth: NonNullable<Extras['oauth']>, place: Place): OAuthDefinition {
  const { grant = 'authorization_code', allowPrivateAddresses = false, scopes } = oauth
  const text = (key: 'clientId' | 'clientSecret' | 'clientMetadataUrl') => {
    const value = oauth[key]
    return value === undefined ? {} : { [key]: place.text(value, ['oauth', key]) }
  }
  const result: OAuthDefinition = {
    grant,
    ...text('clientId'),
    ...text('clientSecret'),
    ...text('clientMetadataUrl'),
    ...(scopes && { scopes }),
    allowPrivateAddresses,
  }
  if (result.clientSecret !== undefined) place.secrets.add(result.clientSecret)
  if (grant === 'client_credentials' && result.clientId === undefined)
    throw new Unusable('wrong', 'the grant client_credentials needs a clientId', ['oauth'])
  return result
}

/** MCP: the URI of a root begins with `file://`. */
function rootOf(root: NonNullable<Extras['roots']>[number], place: Place, path: readonly PropertyKey[]) {
  const { uri, name } = typeof root === 'string' ? { uri: root } : { name: undefined, ...root }
  const text = place.text(uri, path)
  const isUri = /^[a-z][a-z0-9+.-]+:\/\//i.test(text)
  if (isUri && !text.startsWith('file://'))
    throw new Unusable('wrong', 'a root must be a folder or begin with file://', path)
  return { uri: isUri ? text : pathToFileURL(place.path(text)).href, ...(name !== undefined && { name }) }
}
