import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Folder of what campaigns leave behind; not part of the repository. */
export const FOLDER = '.fuzz'

/** Inputs of earlier campaigns that reached something new, in a fixed order. */
export function readCorpus(target: string): Buffer[] {
  const folder = join(FOLDER, 'corpus', target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .toSorted()
    .map((name) => readFileSync(join(folder, name)))
}

export const keepInput = (target: string, input: Buffer): string => write('corpus', target, input)
export const keepFinding = (target: string, input: Buffer): string => write('findings', target, input)

function write(kind: string, target: string, input: Buffer): string {
  const folder = join(FOLDER, kind, target)
  mkdirSync(folder, { recursive: true })
  const path = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 16))
  writeFileSync(path, input)
  return path
}
