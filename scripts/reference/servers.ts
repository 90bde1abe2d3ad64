import { z } from 'zod'
import {
  EntrySchema,
  ExtrasSchema,
  OAuthSchema,
  OverrideSchema,
  ProfileSchema,
  RestartSchema,
  ToolRulesSchema,
} from '../../src/config/servers/schema.ts'
import type { JsonSchema } from '../../src/kernel/tool.ts'
import { code, GENERATED, page, table } from './markdown.ts'
import { fieldsOf } from './schema-text.ts'

const REFERENCES: readonly [string, string][] = [
  ['${VAR}, ${env:VAR}', 'a variable of the hub’s environment; an empty one counts as absent'],
  ['${VAR:-text}', 'the same, with what stands for it where it is absent; references in it count too'],
  ['${secret:name}', 'what `alicia secret set name` keeps, encrypted'],
  ['${input:id}', 'an input of the file: the secret of that name, else its `default`'],
  ['${file:path}', 'the text of a file'],
  ['${userHome}', 'the home folder'],
  ['${workspaceFolder}', 'the folder of the file; of one in `.vscode` or `.cursor`, the folder above'],
  ['$${', 'a plain `${`'],
]

/** Every key of `mcp.json`. */
export function serversPage(): string {
  return page(
    `${GENERATED}\n# Servers in mcp.json`,
    'How to use it stands in the [guide](../guide/servers.md). An unknown key stays in the file and is named in a warning.',
    '## What other clients know too',
    keys(EntrySchema),
    '## What is Alicia’s own',
    'Below `alicia` of a server, or beside its other keys. All optional; defaults in brackets.',
    keys(ExtrasSchema),
    '### tools',
    keys(ToolRulesSchema),
    '### tools.override.*',
    keys(OverrideSchema),
    '### restart',
    keys(RestartSchema),
    '### oauth',
    keys(OAuthSchema),
    '## profiles.*',
    keys(ProfileSchema),
    '## References',
    'In commands, arguments, variables, headers, addresses, folders and `oauth`. What is none of these stays as it is.',
    table(
      ['written', 'is'],
      REFERENCES.map(([written, means]) => [written.split(', ').map(code).join(', '), means]),
    ),
  )
}

function keys(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  return table(
    ['key', 'type', 'meaning'],
    fieldsOf(json).map(({ name, type, description }) => [code(name), code(type), description]),
  )
}
