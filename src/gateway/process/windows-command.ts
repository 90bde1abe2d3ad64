import { existsSync } from 'node:fs'
import { win32 } from 'node:path'

/** What to hand to `spawn` on Windows. */
export interface WindowsCommand {
  readonly file: string
  readonly args: readonly string[]
  /** The arguments are quoted already, for cmd.exe, which does it in its own way. */
  readonly verbatim: boolean
}

export interface WindowsPlace {
  readonly path: string
  readonly pathExt: string
  readonly comSpec: string
  readonly cwd: string
  readonly exists?: (path: string) => boolean
}

/**
 * `npx`, `uvx` and most other programs that people write into `command` are scripts (`npx.cmd`) on Windows, and only
 * cmd.exe runs those: Node refuses to (CVE-2024-27980), because an argument could otherwise become a command. So the
 * arguments are quoted for both readers, the C runtime and cmd.exe; a script reads its line twice, hence twice.
 */
export function windowsCommand(command: string, args: readonly string[], place: WindowsPlace): WindowsCommand {
  const file = findOnWindows(command, place)
  if (file === undefined || !/\.(cmd|bat)$/i.test(file)) return { file: file ?? command, args, verbatim: false }
  const line = [escapeMeta(file), ...args.map((arg) => escapeMeta(escapeMeta(quote(arg))))].join(' ')
  return { file: place.comSpec, args: ['/d', '/s', '/c', `"${line}"`], verbatim: true }
}

/** The file that a command means: by its own path, or the first on PATH with one of PATHEXT's endings. */
function findOnWindows(command: string, { path, pathExt, cwd, exists = existsSync }: WindowsPlace): string | undefined {
  const folders = /[\\/]/.test(command) ? [cwd] : path.split(';').filter(Boolean)
  // Without an ending of its own it is no program: `npx` beside `npx.cmd` is a script for another shell.
  const endings = win32.extname(command) === '' ? pathExt.split(';').filter(Boolean) : ['']
  return folders
    .flatMap((folder) => endings.map((ending) => win32.resolve(folder, command + ending.toLowerCase())))
    .find((file) => exists(file))
}

/** One argument as the C runtime reads it: backslashes count only before a quote. */
const quote = (arg: string) => `"${arg.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\*)$/, '$1$1')}"`

const escapeMeta = (text: string) => text.replaceAll(/[()\][%!^"`<>&|;, *?]/g, '^$&')
