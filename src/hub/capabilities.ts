import { isObject } from '../kernel/mcp/message.ts'
import { Fault } from '../kernel/fault.ts'
import type { Log } from '../kernel/log.ts'
import { compileCapability } from '../services/capabilities/definition.ts'

/**
 * The capabilities of the configuration, as the service takes them: an object by name or a list. One that is wrong is
 * left out and named in the log; the others are of use all the same.
 */
export function capabilitiesIn(value: unknown, log: Log): readonly unknown[] {
  const definitions = Array.isArray(value) ? value : isObject(value) ? byName(value) : []
  if (value !== undefined && !Array.isArray(value) && !isObject(value))
    log.warn('capabilities in the configuration of servers must be an object: name → definition')
  return definitions.filter((definition: unknown) => {
    try {
      compileCapability(definition)
      return true
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      log.warn(`${error.message} It is left out.`)
      return false
    }
  })
}

const byName = (value: Readonly<Record<string, unknown>>): unknown[] =>
  Object.entries(value).map(([name, definition]) => (isObject(definition) ? { name, ...definition } : definition))
