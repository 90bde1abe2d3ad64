import { SHOWS_APPS } from '../../kernel/mcp/apps.ts'

/**
 * What the hub says that it can be asked on a connection that clients share: everything that some client may be able to
 * answer. A server lists tools that ask questions only to a client that can be asked; a question nobody present can
 * answer is refused when it comes.
 */
export const HUB_CAPABILITIES = {
  roots: { listChanged: true },
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
  extensions: SHOWS_APPS,
} as const
