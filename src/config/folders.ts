import { posix, win32 } from 'node:path'

/** The part of the machine that decides where files lie; given, so that tests can be another machine. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly home: string
  readonly platform: NodeJS.Platform
}

export const pathsOf = (platform: NodeJS.Platform) => (platform === 'win32' ? win32 : posix)

/** Where this kind of system keeps the data of a program. */
export function defaultDataFolder({ env, home, platform }: Machine): string {
  const { join, isAbsolute } = pathsOf(platform)
  if (platform === 'win32') return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'alicia')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'alicia')
  // XDG Base Directory Specification: a relative path is to be ignored.
  const xdg = env['XDG_DATA_HOME']
  return join(xdg && isAbsolute(xdg) ? xdg : join(home, '.local', 'share'), 'alicia')
}

/** An absolute path: `~/` is the home folder, a relative one starts at `base`. */
export function absolutePath(path: string, base: string, { home, platform }: Machine): string {
  const { join, resolve } = pathsOf(platform)
  if (path === '~' || /^~[\\/]/.test(path)) return join(home, path.slice(1))
  return resolve(base, path)
}
