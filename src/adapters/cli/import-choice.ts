import { confirm, isCancel, multiselect } from '@clack/prompts'
import { Fault } from '../../kernel/fault.ts'
import type { ImportableServer, ImportChoice, ImportSource } from './server-files.ts'
import type { Terminal } from './terminal.ts'

export interface ChoiceFlags {
  readonly all?: boolean
  readonly only: readonly string[]
  readonly rewrite?: boolean
  readonly yes?: boolean
}

interface Candidate {
  readonly file: string
  readonly title: string
  readonly server: ImportableServer
}

/** One that Alicia does not have yet; where clients are rewritten, one that she has leaves them too. */
export const candidateFor =
  ({ rewrite }: Pick<ChoiceFlags, 'rewrite'>) =>
  ({ is }: ImportableServer): boolean =>
    is === 'new' || rewrite === true

interface Choosing {
  readonly sources: readonly ImportSource[]
  readonly flags: ChoiceFlags
  readonly signal: AbortSignal
}

/** By flags; else a person is asked; where there is none, nothing is taken. Throws Fault. */
export async function chooseImports(terminal: Terminal, { sources, flags, signal }: Choosing): Promise<ImportChoice[]> {
  const named = new Set(flags.only)
  const all = sources.flatMap(({ title, file, servers }) =>
    servers.filter(candidateFor(flags)).map((server) => ({ file, title, server })),
  )
  const strangers = flags.only.filter((name) => !all.some(({ server }) => server.name === name))
  if (strangers.length > 0)
    throw new Fault(
      'not_found',
      `No client has a server ${strangers.join(', ')}${flags.rewrite ? '' : ' that Alicia does not have yet'}.`,
    )
  if (flags.all || named.size > 0) return choicesOf(all.filter(({ server }) => flags.all || named.has(server.name)))
  if (!terminal.stdin.isTTY || !terminal.stdout.isTTY)
    throw new Fault('invalid_input', 'Nobody is there to choose.', {
      hint: 'Say which: --all, or --only <name>; --dry-run shows what there is.',
    })
  return choicesOf(await ask(terminal, all, { flags, signal }))
}

async function ask(
  { stdin, stdout }: Terminal,
  all: readonly Candidate[],
  { flags, signal }: Omit<Choosing, 'sources'>,
): Promise<Candidate[]> {
  const streams = { input: stdin, output: stdout, signal }
  const chosen = await multiselect({
    ...streams,
    message: 'Which of them should Alicia run?',
    options: all.map((option, index) => ({ value: index, label: option.server.name, hint: option.title })),
    initialValues: all.map((_, index) => index),
  })
  if (isCancel(chosen)) throw new Fault('cancelled', 'Nothing was changed.')
  const sure =
    flags.yes || !flags.rewrite || (await confirm({ ...streams, message: 'Change the clients’ own files too?' }))
  if (sure !== true) throw new Fault('cancelled', 'Nothing was changed.')
  return all.filter((_, index) => chosen.includes(index))
}

function choicesOf(chosen: readonly Candidate[]): ImportChoice[] {
  const byFile = new Map<string, string[]>()
  for (const { file, server } of chosen) byFile.set(file, [...(byFile.get(file) ?? []), server.name])
  return [...byFile].map(([file, servers]) => ({ file, servers }))
}
