import type { TracerProviderOptions } from '@opentelemetry/sdk-trace'

type Resource = NonNullable<TracerProviderOptions['resource']>

/** Who sends the spans. Nothing of the machine: that is for the collector to add. */
export const hubResource = (version: string): Resource => {
  const attributes = { 'service.name': 'alicia', 'service.version': version }
  const resource: Resource = {
    attributes,
    merge: () => resource,
    getRawAttributes: () => Object.entries(attributes),
  }
  return resource
}
