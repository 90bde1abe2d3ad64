import { Fault } from '../../kernel/fault.ts'
import { print } from './call.ts'
import { clientSnippet } from './client-snippet.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hostInUrl } from './host.ts'
import { warnOfMissingPlaces } from './missing-places.ts'
import { hubClient } from './hub-client.ts'
import { harmless } from './style.ts'
import { write } from './terminal.ts'

/** `alicia token`: the owner's token alone on stdout, or with `--snippet` a client configuration that holds it. */
export async function showToken<Config extends HubConfig>(
  { composition, terminal }: Context<Config>,
  { snippet, ...flags }: HubFlags & { readonly snippet?: boolean },
): Promise<Exit> {
  const config = composition.loadConfig({ ...flags })
  const token = composition.readToken(config)
  if (token === undefined)
    throw new Fault('not_found', `There is no access token in ${config.data} yet.`, {
      hint: 'The first `alicia start` makes it.',
    })
  const url = composition.findHub(config)?.url ?? `http://${hostInUrl(config.host)}:${config.port}`
  const shown = snippet ? JSON.stringify(clientSnippet(`${url.replace(/\/$/, '')}/mcp`, token), null, 2) : token
  await write(terminal.stdout, `${shown}\n`)
  return 'ok'
}

/** `alicia token rotate`: a new owner's token; everything that uses the old one has to be told. */
export async function rotateToken<Config extends HubConfig>(context: Context<Config>, flags: HubFlags): Promise<Exit> {
  const { composition, terminal } = context
  const config = composition.loadConfig({ ...flags })
  const isRunning = flags.url !== undefined || composition.findHub(config) !== undefined
  const { token, broker } = isRunning
    ? await rotateAtHub(context, flags)
    : { token: await composition.rotateToken(config), broker: undefined }
  await write(terminal.stdout, `${token}\n`)
  await write(terminal.stderr, 'The old token is no longer valid. Give the new one to your clients.\n')
  if (broker === 'restarted') await write(terminal.stderr, 'The broker was started anew for it.\n')
  if (broker === 'failed')
    await write(terminal.stderr, 'The broker still takes the old token: start the hub anew, and see its log.\n')
  return 'ok'
}

async function rotateAtHub<Config extends HubConfig>(context: Context<Config>, flags: HubFlags) {
  const client = hubClient(addressOf(context, flags))
  // A stream of news would end with the old token, and the answer with it.
  const rotated = await cancellable(context, (signal) =>
    client.call('security.rotate_owner_token', {}, { signal, whole: true }),
  )
  return rotated as { readonly token: string; readonly broker: string }
}

/** `alicia token create <name> --scope …`: the token alone on stdout; it is never shown again. */
export async function createToken<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: HubFlags & { readonly scope: readonly string[]; readonly expiresInDays?: string; readonly for?: string },
): Promise<Exit> {
  const days = daysOf(flags.expiresInDays)
  const input = {
    name,
    scopes: flags.scope,
    ...(days !== undefined && { expires_in_days: days }),
    ...(flags.for !== undefined && { for: flags.for }),
  }
  const result = (await run(context, flags, 'tokens.create_token', input)) as { token?: unknown; scopes?: unknown }
  const { terminal } = context
  if (flags.json || typeof result.token !== 'string') await print(terminal, result, flags.json ?? false)
  else {
    await write(terminal.stdout, `${result.token}\n`)
    await write(terminal.stderr, `Keep it: it is not shown again. It may: ${scopesIn(result.scopes ?? flags.scope)}.\n`)
    await warnOfMissingPlaces(context, flags, flags.scope)
  }
  return 'ok'
}

const scopesIn = (scopes: unknown): string =>
  Array.isArray(scopes) && scopes.length > 0 ? harmless(scopes.join(', ')) : 'nothing'

export async function listTokens<Config extends HubConfig>(context: Context<Config>, flags: HubFlags): Promise<Exit> {
  const result = await run(context, flags, 'tokens.list_tokens', {})
  await print(
    context.terminal,
    flags.json ? result : ((result as { tokens?: unknown }).tokens ?? result),
    flags.json ?? false,
  )
  return 'ok'
}

export async function revokeToken<Config extends HubConfig>(
  context: Context<Config>,
  name: string,
  flags: HubFlags,
): Promise<Exit> {
  const result = await run(context, flags, 'tokens.revoke_token', { name })
  await print(context.terminal, result, flags.json ?? false)
  return 'ok'
}

function run<Config extends HubConfig>(context: Context<Config>, flags: HubFlags, operation: string, input: object) {
  const client = hubClient(addressOf(context, flags))
  return cancellable(context, (signal) => client.call(operation, input, { signal }))
}

function daysOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new Fault('invalid_input', '--expires-in-days must be a whole number of days, at least 1.')
}
