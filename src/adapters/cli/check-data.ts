import { accessSync, constants, statSync, type Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { failed, note, ok, warning, type Check, type Finding } from './check.ts'

/** Whether the data folder is there, or can be made, and can be written. */
export function folderCheck(folder: string): Check {
  return {
    name: 'Data folder',
    async run() {
      const stats = statOf(folder)
      if (stats && !stats.isDirectory()) return failed(`${folder} is not a folder`, 'Move it away, or use --data.')
      const place = stats ? folder : nearestFolder(folder)
      if (!mayWrite(place))
        return failed(`${place} cannot be written`, `Give it to this user (chown), or choose another with --data.`)
      return stats ? ok(folder) : note(`${folder}; the first start makes it`)
    },
  }
}

/** Files that only their owner may read. */
const PRIVATE_FILES = ['token', 'secret.key', 'keys.json', 'secrets.json', 'audit-keys.json']

export function privateFilesCheck(folder: string, platform: NodeJS.Platform = process.platform): Check {
  return {
    name: 'Private files',
    async run(): Promise<Finding> {
      if (platform === 'win32') return note('protected by the folder on Windows')
      const there = PRIVATE_FILES.map((name) => join(folder, name)).filter((path) => statOf(path))
      const open = there.filter((path) => ((statOf(path)?.mode ?? 0) & 0o077) !== 0)
      if (open.length > 0) return failed(`others can read ${open.join(', ')}`, `chmod 600 ${open.join(' ')}`)
      return there.length === 0 ? note('none yet; the first start makes them') : ok('only their owner can read them')
    },
  }
}

/** Whether somebody else can read secrets off the configuration file; `plain`: keys that hold one in cleartext. */
export function configSecretsCheck(
  file: string,
  plain: readonly string[],
  platform: NodeJS.Platform = process.platform,
): Check {
  return {
    name: 'Secrets in the configuration',
    async run(): Promise<Finding> {
      if (plain.length === 0) return ok('none in cleartext')
      const isOpen = platform !== 'win32' && ((statOf(file)?.mode ?? 0) & 0o077) !== 0
      if (!isOpen) return note(`in cleartext, readable by the file’s owner alone: ${plain.join(', ')}`)
      return warning(
        `others can read ${file}, which has secrets in cleartext: ${plain.join(', ')}`,
        `chmod 600 ${file}, or keep them with \`alicia secret set <name>\` and write \${secret:<name>}`,
      )
    },
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

function nearestFolder(path: string): string {
  const parent = dirname(path)
  return statOf(parent) || parent === path ? parent : nearestFolder(parent)
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
