import { Fault } from './fault.ts'
import { isObject, type Params } from './mcp/message.ts'
import type { Offers } from './registry.ts'
import type { CallContext, Tool } from './tool.ts'

/** What a service has for MCP clients besides tools: `Offers`, with methods that work on what it became when it started. */
export interface OfferSpec<Deps> extends Omit<Offers, 'methods'> {
  readonly methods: readonly MethodSpec<Deps>[]
}

/** One MCP method as a service answers it. None changes anything but who hears of what. */
export interface MethodSpec<Deps> {
  /** `resources/read`. */
  readonly method: string
  /** `null`: it is the caller's own affair, and open to anyone who can reach the hub. */
  readonly scope: string | null
  /** The request's params, unchecked, to the `result`. Throws Fault. */
  handler(params: Params, context: Deps & CallContext): Promise<Params>
}

/** The method as a tool, so that the one door governs it. */
export function methodTool<Deps>(provider: string, spec: MethodSpec<Deps>, deps: () => Deps): Tool {
  const name = `${provider}/${spec.method}`
  return {
    name,
    summary: `${spec.method} of ${provider}.`,
    scope: spec.scope,
    effect: 'read',
    idempotent: true,
    openWorld: false,
    streams: false,
    listed: false,
    inputSchema: { type: 'object' },
    parse(input) {
      if (isObject(input)) return input
      throw new Fault('invalid_input', `${name}: params must be an object.`)
    },
    checkOutput: () => {},
    run: (input, context) => spec.handler(input as Params, { ...context, ...deps() }),
  }
}
