import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { hubClient } from './hub-client.ts'
import { columns, harmless, styleFor, type Style } from './style.ts'
import { write } from './terminal.ts'

/** What `catalog.list_costs` says of one profile. */
interface Cost {
  readonly path: string
  readonly list: string
  readonly configured: string
  readonly callable: number
  readonly listed: number
  readonly tokens: number
  readonly tokens_sent: number
  readonly tokens_all: number
  readonly most_expensive: readonly { readonly name: string; readonly tokens: number }[]
}

/** `alicia tools --cost`: what the list of tools costs a model, for each profile, and which tools cost most. */
export async function listCost<Config extends HubConfig>(
  context: Context<Config>,
  flags: HubFlags & { readonly profile?: string },
): Promise<Exit> {
  const { terminal } = context
  const client = hubClient(addressOf(context, flags))
  const input = flags.profile === undefined ? {} : { profile: flags.profile }
  const answer = await cancellable(context, (signal) => client.call('catalog.list_costs', input, { signal }))
  if (flags.json) await print(terminal, answer, true)
  else {
    const { profiles } = answer as { profiles: readonly Cost[] }
    await write(terminal.stdout, `${textOf(profiles, styleFor(terminal.stdout, terminal.env))}\n`)
  }
  return 'ok'
}

const HEAD = ['path', 'list', 'tools', 'listed', 'tokens', 'as sent', 'all listed']

function textOf(profiles: readonly Cost[], style: Style): string {
  const { dim, bold } = style
  const rows = profiles.map(({ path, list, configured, ...cost }) => [
    bold(harmless(path)),
    list === configured ? list : `${list} (${configured})`,
    ...[cost.callable, cost.listed, cost.tokens, cost.tokens_sent, cost.tokens_all].map(count),
  ])
  return [
    ...columns([HEAD.map(dim), ...rows]),
    '',
    dim('tokens: names, descriptions and input schemas, which is what models get; as sent: the whole list. Estimated.'),
    ...profiles.flatMap((cost) => mostExpensive(cost, style)),
  ].join('\n')
}

function mostExpensive({ path, most_expensive: tools }: Cost, { dim }: Style): string[] {
  if (tools.length === 0) return []
  const numbers = tools.map(({ tokens }) => count(tokens))
  const width = Math.max(...numbers.map(({ length }) => length))
  return [
    '',
    dim(`the most expensive at ${harmless(path)}`),
    ...tools.map(({ name }, at) => `  ${(numbers[at] ?? '').padStart(width)}  ${harmless(name)}`),
  ]
}

const count = (value: number): string => value.toLocaleString('en')
