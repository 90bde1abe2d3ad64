import { Fault } from '../../kernel/fault.ts'
import { print } from './call.ts'
import { addressOf, cancellable, type Context, type HubFlags } from './context.ts'
import type { Exit } from './exit-codes.ts'
import type { HubConfig } from './hub.ts'
import { isLoopback } from './host.ts'
import { hubClient, type HubClient } from './hub-client.ts'
import { qrCode } from './qr-code.ts'
import { harmless, styleFor } from './style.ts'
import { write, type Terminal } from './terminal.ts'

export interface PairFlags extends HubFlags {
  readonly scope?: readonly string[]
  readonly minutes?: string
  /** `false` by `--no-qr`. */
  readonly qr?: boolean
}

/** What `people.pair` answers. */
interface Pairing {
  readonly name: string
  readonly code: string
  readonly url: string
  readonly expires_at: string
}

/** `alicia pair [name]`: a QR code for a person who looks, the address alone on stdout for a script. */
export async function pairDevice<Config extends HubConfig>(
  context: Context<Config>,
  given: string | undefined,
  flags: PairFlags,
): Promise<Exit> {
  const minutes = minutesOf(flags.minutes)
  const client = hubClient(addressOf(context, flags))
  const pairing = await cancellable(context, async (signal) => {
    const name = given ?? (await onlyPerson(client, signal))
    const input = {
      ...(name !== undefined && { name }),
      ...(flags.scope && { scopes: flags.scope }),
      ...(minutes !== undefined && { expires_in_minutes: minutes }),
    }
    return (await client.call('people.pair', input, { signal })) as Pairing
  })
  if (flags.json) await print(context.terminal, pairing, true)
  else await showPairing(context.terminal, pairing, flags.qr ?? true)
  return 'ok'
}

async function showPairing(terminal: Terminal, pairing: Pairing, wantsQr: boolean): Promise<void> {
  const { stdout, stderr, env } = terminal
  const { bold, dim, yellow } = styleFor(stderr, env)
  const code = stdout.isTTY && wantsQr ? await qrCode(pairing.url, terminal) : undefined
  if (code !== undefined) await write(stdout, `\n${code}\n\n`)
  await write(stdout, `${harmless(pairing.url)}\n`)
  const until = new Date(pairing.expires_at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  const lines = [
    `It lets one device in as ${bold(harmless(pairing.name))}, once, until ${until}. Code: ${bold(harmless(pairing.code))}`,
    dim('Whoever has it gets in: show it to nobody else.'),
    ...(isLoopback(URL.parse(pairing.url)?.hostname ?? '')
      ? [yellow('Only this machine reaches that address. For a phone set `publicUrl`: docs/guide/security.md.')]
      : []),
  ]
  await write(stderr, `${lines.join('\n')}\n`)
}

/** Whom the device is for where nobody was named. Undefined: the hub knows who asks. Throws Fault `invalid_input`. */
async function onlyPerson(client: HubClient, signal: AbortSignal): Promise<string | undefined> {
  const result = await client.call('people.list_people', {}, { signal }).catch((error: unknown) => {
    // Who may not look at others has a device of their own in mind.
    if (error instanceof Fault && error.code === 'forbidden') return undefined
    throw error
  })
  if (result === undefined) return undefined
  const { people = [] } = result as { people?: readonly { name: string; disabled: boolean }[] }
  const names = people.filter(({ disabled }) => !disabled).map(({ name }) => name)
  const [first] = names
  if (names.length === 1) return first
  if (first === undefined)
    throw new Fault('invalid_input', 'There is nobody yet whose device could be paired.', {
      hint: 'Add somebody first: alicia user add mia --role adult',
    })
  throw new Fault('invalid_input', 'Name whose device it is.', {
    hint: `alicia pair <name>: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`,
  })
}

function minutesOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new Fault('invalid_input', '--minutes must be a whole number of minutes, at least 1.')
}
