import { z } from 'zod'
import { ConfigSchema } from '../../src/config/schema.ts'
import { SETTINGS } from '../../src/config/settings.ts'
import type { JsonSchema } from '../../src/kernel/tool.ts'
import { code, GENERATED, page, table } from './markdown.ts'
import { descriptionOf, fieldsOf, type Field } from './schema-text.ts'

const EXAMPLE = `\`\`\`jsonc
{
  // Reachable from the home network, under this name.
  "host": "0.0.0.0",
  "allowedHosts": ["alicia.home.example"],
  "broker": {
    "kind": "mosquitto",
    "users": [{ "name": "shed", "password": "change-me-please", "publish": ["shed/#"] }],
  },
}
\`\`\``

/** Every key, with its variable and flag. */
export function configurationPage(): string {
  const schema = z.toJSONSchema(ConfigSchema, { io: 'input' }) as JsonSchema
  return page(
    `${GENERATED}\n# Configuration`,
    'Nothing has to be configured. Flags win over the environment, that over the file, that over the defaults. The file ' +
      'is `alicia.jsonc` or `alicia.json` in the data folder, or what `--config` or `ALICIA_CONFIG` names: JSON with ' +
      'comments and trailing commas. Paths in it begin at its own folder. An unknown key, variable or flag, or a wrong ' +
      'value, stops the start with a message that names it, the nearest valid one, and the file and line.',
    EXAMPLE,
    table(['key', 'type', 'default', 'environment', 'flag', 'meaning'], rowsOf(schema, schema, '')),
    'Lists in the environment are separated by commas; booleans are true/false, yes/no, on/off or 1/0; an empty variable ' +
      'counts as absent. Secrets have no flag: other users of a machine can read a command line. In Kubernetes, set ' +
      '`enableServiceLinks: false` if a Service is called alicia: it would set variables of these names.',
  )
}

/** For the README: what can be set without a file. */
export function configurationTable(): string {
  const rows = SETTINGS.map(({ key, env, flag = '', summary }) => [
    code(flag),
    code(env),
    key === 'config' ? '' : code(key),
    summary ?? meaningOf(key),
  ])
  return table(['flag', 'environment', 'file', 'meaning'], rows)
}

function rowsOf(schema: JsonSchema, root: JsonSchema, prefix: string): string[][] {
  return fieldsOf(schema, root).flatMap((field) => {
    const key = prefix + field.name
    const property = (schema['properties'] as Record<string, JsonSchema>)[field.name] ?? {}
    const items = property['items'] as JsonSchema | undefined
    if (property['properties']) return rowsOf(property, root, `${key}.`)
    if (items?.['properties']) return [rowOf(key, { ...field, type: 'object[]' }), ...rowsOf(items, root, `${key}[].`)]
    return [rowOf(key, field)]
  })
}

function rowOf(key: string, { type, isRequired, standard, description }: Field): string[] {
  const setting = SETTINGS.find((candidate) => candidate.key === key)
  const origin = isRequired && standard === '' ? 'required' : code(standard)
  return [code(key), code(type), origin, code(setting?.env ?? ''), code(setting?.flag ?? ''), description]
}

function meaningOf(key: string): string {
  const schema = z.toJSONSchema(ConfigSchema, { io: 'input' }) as JsonSchema
  const found = key
    .split('.')
    .reduce<JsonSchema>((at, step) => (at['properties'] as Record<string, JsonSchema>)[step] ?? {}, schema)
  return descriptionOf(found)
}
