import type { FamilyName } from '../families/device.ts'
import type { Evidence, HealthPart } from './health-parts.ts'

/** Where to look when a device of this family is gone. */
const WHEN_GONE: Readonly<Partial<Record<FamilyName, string>>> = {
  zigbee2mqtt:
    'Check its power or battery and the Zigbee routers near it; then look at zigbee2mqtt/bridge/logging, and pair it anew if it stays away.',
  tasmota: 'Check its power and Wi-Fi; if its web page answers, look at its console for MQTT errors.',
  'shelly-gen1': 'Check its power and Wi-Fi; if its web page answers, check the MQTT settings there.',
  'shelly-gen2': 'Check its power and Wi-Fi; if its web page answers, check the MQTT settings there.',
  esphome: 'Check its power and Wi-Fi; its log over USB or the network says why it does not connect.',
  'sparkplug-b': 'Check the edge node; a rebirth request (NCMD Node Control/Rebirth) makes it announce itself anew.',
}

interface Step {
  readonly says: (evidence: Evidence, part: HealthPart) => string
  readonly part: HealthPart['part']
  readonly when: (evidence: Evidence) => boolean
}

/** In the order in which they are worth doing. */
const STEPS: readonly Step[] = [
  {
    part: 'availability',
    when: ({ device }) => device?.online === false,
    says: ({ device }) =>
      `It is offline. ${WHEN_GONE[device?.family ?? 'plain'] ?? 'Check its power and its network.'}`,
  },
  {
    part: 'availability',
    when: ({ wentOffline, device }) => wentOffline > 0 && device?.online !== false,
    says: ({ wentOffline }) =>
      `It lost its connection ${wentOffline === 1 ? 'once' : `${wentOffline} times`}: check signal and power supply, and that no second client uses its client id.`,
  },
  {
    part: 'supply',
    when: () => true,
    says: (_, { says }) => `Weak supply: ${says}. Replace the battery, or bring a router or access point nearer.`,
  },
  {
    part: 'errors',
    when: () => true,
    says: ({ errors: [worst] }) =>
      worst
        ? `See to the most frequent error, ${worst.kind} (${worst.count}): “${worst.example}”.`
        : 'See to its errors.',
  },
  {
    part: 'rhythm',
    when: () => true,
    says: ({ silentTopics: [topic] }, { says }) =>
      topic === undefined
        ? `It misses reports (${says}): compare with others nearby; if they too have gaps, look at the network or the bridge.`
        : `It stopped reporting on ${topic} although it did so regularly: restart it if it stays silent.`,
  },
  {
    part: 'shape',
    when: () => true,
    says: (_, { says }) => `Its payloads changed: ${says} Check for a firmware update or a failing sensor.`,
  },
  {
    part: 'retained',
    when: () => true,
    says: ({ ghosts: [topic] }) =>
      `If it is gone for good, delete its retained messages, such as ${topic}: publish an empty payload with retain.`,
  },
]

/** Below this a part is worth a step. */
const GOOD = 0.9
const LEAST_MESSAGES = 5

export function nextSteps(evidence: Evidence, parts: readonly HealthPart[]): string[] {
  const steps = STEPS.flatMap(({ part: name, when, says }) => {
    const part = parts.find((each) => each.part === name)
    if (!part || part.value === null || part.value >= GOOD || !when(evidence)) return []
    return [says(evidence, part)]
  })
  if (evidence.messages < LEAST_MESSAGES) {
    const seconds = Math.round(evidence.elapsedMs / 1000)
    steps.push(
      `Only ${evidence.messages} live messages in ${seconds} s: watch longer, or make the device send something.`,
    )
  }
  return steps.length > 0 ? steps : ['Nothing to do.']
}
