import type { Family } from './family.ts'
import { createZigbee2Mqtt } from './zigbee2mqtt.ts'

/** What a family may ask of the view. */
export interface Surroundings {
  /** The device that speaks at this topic, where a family knows it by the topic's form. */
  ownerOf(topic: string): string | undefined
}

/** The first that knows a message reads it. */
export const FAMILIES: readonly ((surroundings: Surroundings) => Family)[] = [createZigbee2Mqtt]
