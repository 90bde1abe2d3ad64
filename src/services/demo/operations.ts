import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import { localTime } from './node.ts'
import type { RunningHome } from './running-home.ts'

export interface DemoDeps {
  readonly home: RunningHome
}

const Command = z.object({
  topic: z.string(),
  payload: z.string(),
  effect: z.string().describe('What happens when the payload is published to the topic.'),
})

const Device = z.object({
  name: z.string(),
  family: z.enum(['Zigbee2MQTT', 'Tasmota', 'Shelly Gen1', 'Shelly Gen2', 'ESPHome']),
  room: z.string(),
  what: z.string(),
  online: z.boolean().describe('Whether its connection to the broker (for Zigbee: the bridge’s) is up now.'),
  reports: z.array(z.string()).describe('Topics where it reports.'),
  commands: z.array(Command).describe('Examples; it takes more than these.'),
})

/** Where an assistant starts that has never seen the house. */
const IDEAS = [
  'Which devices are there, and is one of them unreliable?',
  'Is anybody moving in the hall right now, and is the light on?',
  'What does the washing machine draw, and where in its cycle is it?',
  'Close the bedroom shutter half way and tell me when it is there.',
  'Make the desk lamp blue.',
  'What is wrong with the probe in the greenhouse?',
]

export const describeHome = operation<DemoDeps>()({
  name: 'demo.describe_home',
  summary: 'What devices the simulated demo home has, where they publish and what to try.',
  description:
    'The devices are simulated, but their topics and payloads are those of real ones, on the hub’s real broker: ' +
    'everything that works with MQTT works with them. Read their values with the mqtt operations.',
  scope: 'demo:read',
  effect: 'read',
  input: z.object({}),
  output: z.object({
    home_time: z.string().describe('The time at the home, local.'),
    devices: z.array(Device),
    ideas: z.array(z.string()),
  }),
  async handler(_, { home }) {
    const devices = home.links.flatMap(({ node, isOnline }) =>
      node.guides.map(({ reports, commands, ...guide }) => ({
        ...guide,
        online: isOnline(),
        reports: [...reports],
        commands: [...commands],
      })),
    )
    return { home_time: localTime(home.now()), devices, ideas: IDEAS }
  },
})
