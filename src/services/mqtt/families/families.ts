import type { Family, Surroundings } from './family.ts'
import { createHomeAssistantDiscovery } from './ha-discovery.ts'
import { createHomie } from './homie.ts'
import { createShellyGen1 } from './shelly-gen1.ts'
import { createShellyGen2 } from './shelly-gen2.ts'
import { createSparkplug } from './sparkplug.ts'
import { createTasmota } from './tasmota.ts'
import { createZigbee2Mqtt } from './zigbee2mqtt.ts'

/** The first that knows a message reads it. */
export const FAMILIES: readonly ((surroundings: Surroundings) => Family)[] = [
  createZigbee2Mqtt,
  createTasmota,
  createShellyGen1,
  createShellyGen2,
  createHomie,
  createSparkplug,
  createHomeAssistantDiscovery,
]
