import { isObject, type Params } from '../../kernel/mcp/message.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'

/** What a client must have declared to be asked this; undefined: no revision knows such a question. */
export function requiredOf(method: string, params: JsonText): Params | undefined {
  switch (method) {
    case 'roots/list':
      return { roots: {} }
    case 'sampling/createMessage': {
      const { tools, toolChoice } = valueOf(params)
      return { sampling: tools === undefined && toolChoice === undefined ? {} : { tools: {} } }
    }
    case 'elicitation/create':
      return { elicitation: valueOf(params)['mode'] === 'url' ? { url: {} } : { form: {} } }
    default:
      return undefined
  }
}

/** Whether a client with these capabilities can be asked what requires those. */
export function declares(capabilities: Params, required: Params): boolean {
  return Object.entries(required).every(([name, wanted]) => {
    const declared = capabilities[name]
    return isObject(declared) && Object.keys(Object(wanted)).every((part) => hasPart(declared, part))
  })
}

/** An empty `elicitation` means forms, as it did before there was anything else (2025-11-25, elicitation). */
const hasPart = (declared: Readonly<Record<string, unknown>>, part: string) =>
  part in declared || (part === 'form' && !('url' in declared))

function valueOf(params: JsonText): Record<string, unknown> {
  const value: unknown = JSON.parse(params)
  return isObject(value) ? value : {}
}
