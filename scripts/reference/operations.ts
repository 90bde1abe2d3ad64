import type { Entry } from '../../src/kernel/registry.ts'
import type { Service } from '../../src/kernel/service.ts'
import type { JsonSchema } from '../../src/kernel/tool.ts'
import { code, GENERATED, page, table } from './markdown.ts'
import { fieldRow, fieldsOf } from './schema-text.ts'

/** Every operation: what it does, what it takes, what it returns, and where it is called. */
export function operationsPage(services: readonly Service[], entries: readonly Entry[]): string {
  const of = ({ name }: Service) => entries.filter(({ provider }) => provider.id === name)
  return page(
    `${GENERATED}\n# Operations`,
    'Each can be called as an MCP tool, as REST, as an MQTT request and on the command line, under the same name with ' +
      'the same arguments. `*` includes every scope, `area:*` every one of its area.',
    table(
      ['operation', 'effect', 'scope', 'does'],
      entries.map(({ name, tool }) => [`[${name}](#${name})`, tool.effect, scopeText(tool.scope), tool.summary]),
    ),
    ...services.flatMap((service) => [`## ${service.name}`, service.summary, ...of(service).map(operation)]),
  )
}

const scopeText = (scope: string | null) => (scope === null ? '–' : code(scope))

function operation({ name, tool }: Entry): string {
  const path = tool.route ? `${tool.route.method} ${tool.route.path}` : `POST /api/${tool.name.replace('.', '/')}`
  return page(
    `### ${name}`,
    tool.summary,
    tool.description ?? '',
    `${code(path)} · ${code(`alicia call ${name}`)} · ${traits(tool)} · scope ${scopeText(tool.scope)}`,
    fields('argument', tool.inputSchema, 'It takes no arguments.'),
    tool.outputSchema === undefined ? '' : fields('result', tool.outputSchema, ''),
  ).trimEnd()
}

function traits({ effect, idempotent, streams }: Entry['tool']): string {
  return [effect, ...(idempotent && effect !== 'read' ? ['idempotent'] : []), ...(streams ? ['streams'] : [])].join(
    ', ',
  )
}

function fields(what: string, schema: JsonSchema, none: string): string {
  const rows = fieldsOf(schema).map(fieldRow)
  if (rows.length === 0) return none
  const isInput = what === 'argument'
  const head = [what, 'type', ...(isInput ? ['default'] : []), 'meaning']
  return table(
    head,
    rows.map(([name = '', type = '', standard = '', meaning = '']) =>
      isInput ? [name, type, standard, meaning] : [name, type, meaning],
    ),
  )
}
