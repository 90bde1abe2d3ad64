import type { Chance } from './chance.ts'
import { battery, batteryVoltage, binary, linkQuality, numeric } from './exposes.ts'
import { isDue, round, type Moment } from './node.ts'
import { linkquality, type ZigbeeDevice } from './zigbee-devices.ts'

export function motionSensor(chance: Chance): ZigbeeDevice {
  let occupancy = false
  const state = (now: Moment) => ({
    battery: 91,
    device_temperature: round(now.world.indoorCelsius + 3),
    illuminance: round(8 + 90 * now.world.daylight + 5 * chance.drift('lux', now.ms, 60_000)),
    linkquality: linkquality(chance, now, 87),
    occupancy,
    power_outage_count: 3,
    voltage: 3015,
  })
  return {
    model: {
      type: 'EndDevice',
      powerSource: 'Battery',
      vendor: 'Aqara',
      model: 'RTCGQ11LM',
      modelId: 'lumi.sensor_motion.aq2',
      manufacturer: 'LUMI',
      description: 'Motion sensor',
      exposes: [
        battery,
        binary('occupancy', 'Indicates whether the device detected occupancy', [true, false]),
        numeric('device_temperature', 'Temperature of the device', { category: 'diagnostic', unit: '°C' }),
        batteryVoltage,
        numeric('illuminance', 'Measured illuminance', { unit: 'lx' }),
        numeric('power_outage_count', 'Number of power outages', { category: 'diagnostic' }),
        linkQuality,
      ],
    },
    state,
    report(now) {
      const changed = now.world.hallMotion !== occupancy
      occupancy = now.world.hallMotion
      return changed ? state(now) : undefined
    },
  }
}

export function doorContact(chance: Chance): ZigbeeDevice {
  let contact = true
  let triggers = 0
  const state = (now: Moment) => ({
    battery: 100,
    contact,
    device_temperature: round(now.world.indoorCelsius + 1),
    linkquality: linkquality(chance, now, 64),
    power_outage_count: 11,
    trigger_count: triggers,
    voltage: 3055,
  })
  return {
    model: {
      type: 'EndDevice',
      powerSource: 'Battery',
      vendor: 'Aqara',
      model: 'MCCGQ11LM',
      modelId: 'lumi.sensor_magnet.aq2',
      manufacturer: 'LUMI',
      description: 'Door and window sensor',
      exposes: [
        battery,
        binary('contact', 'Indicates if the contact is closed (= true) or open (= false)', [false, true]),
        numeric('device_temperature', 'Temperature of the device', { category: 'diagnostic', unit: '°C' }),
        batteryVoltage,
        numeric('power_outage_count', 'Number of power outages', { category: 'diagnostic' }),
        numeric('trigger_count', 'Indicates how many times the sensor was triggered', { category: 'diagnostic' }),
        linkQuality,
      ],
    },
    state,
    report(now) {
      const closed = !now.world.frontDoorOpen
      const changed = closed !== contact
      contact = closed
      if (changed) triggers++
      return changed || isDue(now, 300, 11) ? state(now) : undefined
    },
  }
}

export function climateSensor(chance: Chance): ZigbeeDevice {
  const state = (now: Moment) => ({
    battery: 77,
    humidity: round(now.world.bathroomHumidity, 2),
    linkquality: linkquality(chance, now, 105),
    power_outage_count: 8,
    pressure: round(now.world.pressureHpa, 1),
    temperature: round(now.world.bathroomCelsius, 2),
    voltage: 2975,
  })
  return {
    model: {
      type: 'EndDevice',
      powerSource: 'Battery',
      vendor: 'Aqara',
      model: 'WSDCGQ11LM',
      modelId: 'lumi.weather',
      manufacturer: 'LUMI',
      description: 'Temperature and humidity sensor',
      exposes: [
        battery,
        numeric('temperature', 'Measured temperature value', { unit: '°C' }),
        numeric('humidity', 'Measured relative humidity', { unit: '%' }),
        numeric('pressure', 'The measured atmospheric pressure', { unit: 'hPa' }),
        batteryVoltage,
        numeric('power_outage_count', 'Number of power outages', { category: 'diagnostic' }),
        linkQuality,
      ],
    },
    state,
    report: (now) => (isDue(now, 30, 17) ? state(now) : undefined),
  }
}
