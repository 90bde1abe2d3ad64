import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import { nearest } from '../../kernel/nearest.ts'
import type { Provider, Registry } from '../../kernel/registry.ts'
import { compileCapability, type Capability, type CapabilityDefinition, type ProviderDefinition } from './definition.ts'
import { KNOWN_CAPABILITIES } from './presets/capabilities.ts'
import type { Preset } from './presets/preset.ts'
import { PRESETS } from './presets/presets.ts'

/** What there is to be done, and by which tools. */
export interface Catalog {
  /** By name. */
  list(): readonly Capability[]
  /** Throws Fault `not_found` that names the nearest. */
  find(name: string): Capability
  /** The kind of server that a provider was recognised as. */
  kindOf(provider: Provider): string | undefined
  stop(): void
}

/**
 * Definitions of the configuration, and presets for what the attached servers are recognised as. `definitions` is asked at
 * every use: another array than before is compiled anew. Throws Fault `invalid_input` for one that is not well-formed.
 */
export function createCatalog(registry: Registry, events: Events, definitions: () => readonly unknown[]): Catalog {
  let source = definitions()
  let defined = compileAll(source)
  let known: ReadonlyMap<string, Capability> | undefined
  // Tools may change many times before anybody asks: made anew when somebody does.
  const stop = events.on('tools.changed', () => (known = undefined))
  const all = () => {
    const current = definitions()
    if (current !== source) {
      defined = compileAll(current)
      source = current
      known = undefined
    }
    return (known ??= new Map([...fromPresets(registry), ...defined].sort(([a], [b]) => (a < b ? -1 : 1))))
  }
  return {
    list: () => [...all().values()],
    find(name) {
      const capability = all().get(name)
      if (capability) return capability
      const meant = nearest(name, all().keys())
      throw new Fault('not_found', `Nobody here can do ${JSON.stringify(name.slice(0, 100))}.`, {
        hint: meant === undefined ? 'list_capabilities shows what can be done.' : `Did you mean ${meant}?`,
      })
    },
    kindOf: (provider) => presetsOf(provider)[0]?.kind,
    stop,
  }
}

function compileAll(definitions: readonly unknown[]): ReadonlyMap<string, Capability> {
  const compiled = new Map<string, Capability>()
  for (const definition of definitions) {
    const capability = compileCapability(definition)
    if (compiled.has(capability.name))
      throw new Fault('invalid_input', `The capability ${capability.name} is defined twice.`)
    compiled.set(capability.name, capability)
  }
  return compiled
}

function fromPresets(registry: Registry): Map<string, Capability> {
  const providers = [...registry.providers()].sort((a, b) => (a.id < b.id ? -1 : 1))
  const offers = new Map<string, ProviderDefinition[]>()
  for (const preset of PRESETS)
    for (const provider of providers) if (isRecognised(provider, preset)) addOffers(offers, provider, preset)
  return new Map([...offers].map(([name, list]) => [name, compileCapability(knownDefinition(name, list))]))
}

function addOffers(offers: Map<string, ProviderDefinition[]>, provider: Provider, preset: Preset): void {
  const names = toolNames(provider)
  for (const [capability, offer] of Object.entries(preset.offers)) {
    if (!names.has(offer.tool)) continue
    const list = offers.get(capability) ?? []
    offers.set(capability, list)
    list.push({ ...offer, tool: `${provider.id}.${offer.tool}` })
  }
}

function knownDefinition(name: string, providers: ProviderDefinition[]): CapabilityDefinition {
  const known = KNOWN_CAPABILITIES[name]
  if (!known) throw new TypeError(`A preset offers ${name}, which presets/capabilities.ts does not describe.`)
  return { name, ...known, providers }
}

const presetsOf = (provider: Provider) => PRESETS.filter((preset) => isRecognised(provider, preset))

function isRecognised(provider: Provider, { tools }: Preset): boolean {
  const names = toolNames(provider)
  return tools.every((tool) => names.has(tool))
}

/** Under the server's own names, without those that are held back. */
function toolNames({ id, tools }: Provider): ReadonlySet<string> {
  return new Set(tools.filter(({ listed }) => listed !== false).map(({ name }) => name.slice(id.length + 1)))
}
