import type { Service } from './kernel/service.ts'
import { demo } from './services/demo/index.ts'
import { health } from './services/health/index.ts'
import { mqtt } from './services/mqtt/index.ts'
import { tokens } from './services/tokens/index.ts'

/** Every service that Alicia has. A new one is a folder in `services/` and a line here. */
export const services: readonly Service[] = [health, mqtt, tokens, demo]

/** Services that run only when asked for. */
export const OPTIONAL_SERVICES: ReadonlySet<string> = new Set(['demo'])
