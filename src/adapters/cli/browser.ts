import { spawn } from 'node:child_process'
import { Fault } from '../../kernel/fault.ts'

interface Machine {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The program that shows an address in the person's browser, with its arguments; undefined where nobody sits before a
 * desktop. No shell has a part in it: the address comes from somebody else. Throws Fault `upstream_failed` for what is
 * no web page.
 */
export function browserCommand(
  address: string,
  { platform, env }: Machine,
): readonly [string, ...string[]] | undefined {
  const url = URL.parse(address)
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new Fault('upstream_failed', 'The address to log in at is no web page.', {
      hint: 'It has to begin with https:// or http://.',
    })
  // Over SSH the browser would open where nobody sits.
  if (env['SSH_CONNECTION'] !== undefined || env['SSH_TTY'] !== undefined) return undefined
  if (platform === 'darwin') return ['/usr/bin/open', url.href]
  if (platform === 'win32')
    return [`${env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\rundll32.exe`, 'url.dll,FileProtocolHandler', url.href]
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? ['xdg-open', url.href] : undefined
}

/** Resolves to whether the program was started; what it does then is its own. */
export function openBrowser(address: string, machine: Machine): Promise<boolean> {
  const [command, ...args] = browserCommand(address, machine) ?? []
  if (command === undefined) return Promise.resolve(false)
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore', detached: true, windowsHide: true })
    child.once('error', () => resolve(false))
    child.once('spawn', () => resolve(true))
    child.unref()
  })
}
