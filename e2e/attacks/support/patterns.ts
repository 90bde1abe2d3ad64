import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Pattern {
  /** `kernel/json.ts:12` */
  readonly where: string
  readonly pattern: RegExp
}

const SRC = fileURLToPath(new URL('../../../src', import.meta.url))

/** Every regular expression that stands in the sources, those of tests and what only tests use excepted. */
export function patternsInSource(): Pattern[] {
  const files = globSync('**/*.ts', { cwd: SRC }).filter(
    (file) => !/(?:^testing\/|\.(?:test|suite|cases|fixture|testing|child)\.ts$)/.test(file),
  )
  return files.toSorted().flatMap((file) => patternsIn(file))
}

/** Comments, texts, templates, and patterns: a slash after an operator begins one. */
const TOKEN =
  /\/\/.*|\/\*[^]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`((?:\\.|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}|[^`\\])*)`|(?<=(?:^|[(,=:[!&|?{};+*%~^<>]|\breturn|=>)\s*)\/((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+)\/([dgimsuvy]*)(?![\w/])/gm

function patternsIn(file: string): Pattern[] {
  const text = readFileSync(`${SRC}/${file}`, 'utf8')
  const found: Pattern[] = []
  const read = (code: string, start: number): void => {
    for (const { 1: template, 2: source, 3: flags = '', index } of code.matchAll(TOKEN)) {
      for (const inside of (template ?? '').matchAll(/\$\{([^]*?)\}/g)) read(inside[1] ?? '', start + index)
      if (source === undefined) continue
      const line = text.slice(0, start + index).split('\n').length
      found.push({ where: `${file}:${line}`, pattern: new RegExp(source, flags) })
    }
  }
  read(text, 0)
  return found
}
