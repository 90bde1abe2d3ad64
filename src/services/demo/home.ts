import { automation } from './automation.ts'
import { createChance } from './chance.ts'
import { airQualityNode, deskLampNode } from './esphome.ts'
import type { HomeNode } from './node.ts'
import { rollerShutter } from './shelly-gen1.ts'
import { meteredRelay } from './shelly-gen2.ts'
import { badProbe, energySensor, tasmotaDevice } from './tasmota.ts'
import { dimmableBulb, meteringPlug, type ZigbeeMember } from './zigbee-devices.ts'
import { climateSensor, doorContact, motionSensor } from './zigbee-sensors.ts'
import { zigbeeBridge } from './zigbee2mqtt.ts'

const SHUTTER = 'shellyswitch25-D0A11C'
const RELAY = 'shellyplus1pm-d0a11cade001'

/** The demo home: every device there is, by the connection it has. The same seed makes the same home. */
export function createHome(seed: number): HomeNode[] {
  const chance = createChance(seed)

  const zigbee: ZigbeeMember[] = [
    {
      name: 'hall_light',
      ieeeAddress: '0x0017880104a11c01',
      networkAddress: 11_201,
      device: dimmableBulb(chance),
      guide: {
        room: 'hall',
        what: 'a bulb that can be dimmed; motion in the hall lights it',
        tries: [
          ['{"state":"ON","brightness":254}', 'lights it fully'],
          ['{"state":"OFF"}', 'puts it out'],
        ],
      },
    },
    {
      name: 'washing_machine',
      ieeeAddress: '0xa4c13800a11c0002',
      networkAddress: 21_877,
      device: meteringPlug(chance, ({ world }) => world.washerWatts),
      guide: {
        room: 'utility room',
        what: 'a plug with a meter; the washing machine on it runs three times a day',
        tries: [['{"state":"OFF"}', 'cuts its power']],
      },
    },
    {
      name: 'hall_motion',
      ieeeAddress: '0x00158d0000a11c03',
      networkAddress: 4_410,
      device: motionSensor(chance),
      guide: { room: 'hall', what: 'a motion sensor that also measures light', tries: [] },
    },
    {
      name: 'front_door',
      ieeeAddress: '0x00158d0000a11c04',
      networkAddress: 50_912,
      device: doorContact(chance),
      guide: { room: 'hall', what: 'a contact: contact false means the door is open', tries: [] },
    },
    {
      name: 'bathroom_climate',
      ieeeAddress: '0x00158d0000a11c05',
      networkAddress: 33_018,
      device: climateSensor(chance),
      guide: { room: 'bathroom', what: 'temperature, humidity and air pressure', tries: [] },
    },
  ]

  return [
    zigbeeBridge(zigbee),
    tasmotaDevice(
      {
        name: 'Floor Lamp',
        topic: 'tasmota_A11C01',
        mac: 'D0A11CA11C01',
        ip: '192.0.2.21',
        module: 'Sonoff S31',
        room: 'living room',
        what: 'a plug with a meter and a floor lamp of 42 W; lit after dark when somebody comes',
        sensor: energySensor(42, chance),
      },
      chance,
    ),
    tasmotaDevice(
      {
        name: 'Greenhouse Heater',
        topic: 'tasmota_A11C02',
        mac: 'D0A11CA11C02',
        ip: '192.0.2.22',
        module: 'Sonoff TH',
        room: 'greenhouse',
        what: 'a relay with a temperature probe at the edge of the Wi-Fi: it drops off and comes back, and its probe fails',
        sensor: badProbe(chance),
        isFlaky: true,
      },
      chance,
    ),
    rollerShutter({
      id: SHUTTER,
      mac: 'E8DB84D0A11C',
      ip: '192.0.2.30',
      room: 'bedroom',
      what: 'a roller shutter that closes at dusk and opens at dawn',
    }),
    meteredRelay(
      {
        id: RELAY,
        mac: 'D0A11CADE001',
        room: 'kitchen',
        what: 'a relay that measures the kitchen: fridge, kettle and what else is plugged in',
        load: ({ world }) => world.kitchenWatts,
      },
      chance,
    ),
    airQualityNode({
      name: 'air-quality',
      mac: 'a4cf12a11c01',
      board: 'esp32dev',
      room: 'living room',
      what: 'CO2, fine dust, temperature and humidity',
    }),
    deskLampNode({
      name: 'desk-lamp',
      mac: 'a4cf12a11c02',
      board: 'd1_mini',
      room: 'study',
      what: 'a coloured lamp that takes JSON commands',
    }),
    automation({
      motion: 'zigbee2mqtt/hall_motion',
      bulb: 'zigbee2mqtt/hall_light/set',
      lamp: 'cmnd/tasmota_A11C01/POWER',
      shutter: `shellies/${SHUTTER}/roller/0/command`,
    }),
  ]
}
