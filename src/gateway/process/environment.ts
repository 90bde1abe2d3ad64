import process from 'node:process'

/** A program's environment, as Node has it. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What programs need to find files, languages and the desktop; none of it is a secret. */
const POSIX = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TERM',
  'TMPDIR',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'DBUS_SESSION_BUS_ADDRESS',
])

const WINDOWS = new Set([
  'PATH',
  'PATHEXT',
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'WINDIR',
  'COMSPEC',
  'TEMP',
  'TMP',
  'HOMEDRIVE',
  'HOMEPATH',
  'USERPROFILE',
  'USERNAME',
  'USERDOMAIN',
  'APPDATA',
  'LOCALAPPDATA',
  'PROGRAMDATA',
  'PROGRAMFILES',
  'PROGRAMFILES(X86)',
  'PROGRAMW6432',
  'COMMONPROGRAMFILES',
  'NUMBER_OF_PROCESSORS',
  'PROCESSOR_ARCHITECTURE',
  'OS',
])

/**
 * What a server sees: its own variables over a short list of the hub's. A list of what may pass, not of what may not:
 * the hub's environment holds its tokens, and whatever else somebody put there.
 */
export function serverEnvironment(
  hub: Environment,
  own: Readonly<Record<string, string>>,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  // Windows takes `Path` and `PATH` for the same variable: the server's own must replace the hub's however it is written.
  const key = (name: string) => (platform === 'win32' ? name.toUpperCase() : name)
  const replaced = new Set(Object.keys(own).map(key))
  const passed = Object.entries(hub).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && mayPass(key(entry[0]), platform) && !replaced.has(key(entry[0])),
  )
  return { ...Object.fromEntries(passed), ...own }
}

function mayPass(name: string, platform: NodeJS.Platform): boolean {
  if (platform === 'win32') return WINDOWS.has(name)
  return POSIX.has(name) || name.startsWith('LC_') || name.startsWith('XDG_')
}
