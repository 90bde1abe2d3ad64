import type { ImportSource } from './server-files.ts'
import { columns, harmless, type Style } from './style.ts'

/** What there is to take over, file by file. */
export function importPreview(sources: readonly ImportSource[], { bold, dim, yellow }: Style): string {
  if (sources.length === 0) return 'No client on this machine has MCP servers.'
  return sources
    .map(({ title, file, servers, problem }) => {
      const rows = servers.map(({ name, as, target, is }) => [
        `  ${bold(harmless(name))}`,
        is === 'same' ? dim('already here') : as === name ? '' : `as ${harmless(as)}`,
        dim(harmless(target)),
      ])
      const notes = servers.flatMap(({ name, notes }) =>
        notes.map((note) => `  ${yellow('!')} ${harmless(name)}: ${harmless(note)}`),
      )
      const trouble = problem === undefined ? [] : [`  ${yellow('!')} ${harmless(problem)}`]
      return [`${title} ${dim(file)}`, ...columns(rows), ...notes, ...trouble].join('\n')
    })
    .join('\n\n')
}
