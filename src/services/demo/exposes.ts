/** How Zigbee2MQTT describes what a device can do: bits 1 published, 2 settable, 4 can be asked for. */
const PUBLISHED = 1
const ALL = 7

export type Expose = Readonly<Record<string, unknown>>

const labelOf = (name: string) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')

export const numeric = (name: string, description: string, more: Expose = {}): Expose => ({
  name,
  label: labelOf(name),
  access: PUBLISHED,
  type: 'numeric',
  property: name,
  description,
  ...more,
})

export const binary = (name: string, description: string, [on, off]: readonly [boolean, boolean]): Expose => ({
  name,
  label: labelOf(name),
  access: PUBLISHED,
  type: 'binary',
  property: name,
  description,
  value_on: on,
  value_off: off,
})

export const state = (thing: string): Expose => ({
  name: 'state',
  label: 'State',
  access: ALL,
  type: 'binary',
  property: 'state',
  description: `On/off state of this ${thing}`,
  value_on: 'ON',
  value_off: 'OFF',
  value_toggle: 'TOGGLE',
})

export const light: Expose = {
  type: 'light',
  features: [
    state('light'),
    numeric('brightness', 'Brightness of this light', { access: ALL, value_min: 0, value_max: 254 }),
  ],
}

export const plug: Expose = { type: 'switch', features: [state('switch')] }

const diagnostic = { category: 'diagnostic' }

export const battery = numeric('battery', 'Remaining battery in %', {
  ...diagnostic,
  unit: '%',
  value_min: 0,
  value_max: 100,
})

export const batteryVoltage = numeric('voltage', 'Voltage of the battery in millivolts', { ...diagnostic, unit: 'mV' })

export const linkQuality = numeric('linkquality', 'Link quality (signal strength)', {
  ...diagnostic,
  unit: 'lqi',
  value_min: 0,
  value_max: 255,
})
