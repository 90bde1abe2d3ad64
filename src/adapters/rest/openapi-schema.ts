import type { JsonSchema } from '../../kernel/tool.ts'

/** Schemas under `components`, each under a name that no other operation's can take. */
export interface SchemaShelf {
  /** Puts the schema and its `$defs` on the shelf; returns the reference to it. */
  put(name: string, schema: JsonSchema): { $ref: string }
  /** A part of a schema that stands on the shelf as `name`, with its references pointing there. */
  rewrite(name: string, part: unknown): unknown
  readonly schemas: Record<string, unknown>
}

/**
 * References in a JSON Schema point into its own document; in OpenAPI the document is the whole description
 * (OpenAPI 3.1, 4.8.24). So `#/$defs/X` of the schema `a.input` becomes the component `a.input.X`, and `#` itself.
 */
export function createShelf(): SchemaShelf {
  const schemas: Record<string, unknown> = {}
  const shelf: SchemaShelf = {
    schemas,
    put(rawName, { $defs, $schema: _dialect, $id: _id, ...schema }) {
      const name = componentName(rawName)
      schemas[name] = shelf.rewrite(name, schema)
      for (const [key, definition] of Object.entries(($defs ?? {}) as Record<string, unknown>))
        schemas[componentName(`${name}.${key}`)] = shelf.rewrite(name, definition)
      return { $ref: `#/components/schemas/${name}` }
    },
    rewrite(rawName, part) {
      const name = componentName(rawName)
      if (Array.isArray(part)) return part.map((item) => shelf.rewrite(name, item))
      if (typeof part !== 'object' || part === null) return part
      return Object.fromEntries(
        Object.entries(part).map(([key, value]) => [
          key,
          key === '$ref' && typeof value === 'string' ? pointTo(name, value) : shelf.rewrite(name, value),
        ]),
      )
    },
  }
  return shelf
}

function pointTo(name: string, reference: string): string {
  if (!reference.startsWith('#')) return reference
  const definition = /^#\/\$defs\/([^/]+)(\/.*)?$/.exec(reference)
  if (!definition) return `#/components/schemas/${name}${reference.slice(1)}`
  const key = (definition[1] ?? '').replaceAll('~1', '/').replaceAll('~0', '~')
  return `#/components/schemas/${componentName(`${name}.${key}`)}${definition[2] ?? ''}`
}

/** OpenAPI 3.1, 4.8.7.1: these characters and no others. */
const componentName = (name: string) => name.replaceAll(/[^\w.-]/g, '_')
