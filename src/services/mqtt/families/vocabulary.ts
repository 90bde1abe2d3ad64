/** How a fact of some kind is put into words. */
export interface Term {
  readonly unit?: string
  /** What true and false are called; an empty word is left unsaid. */
  readonly words?: readonly [string, string]
  /** What goes first in a summary. */
  readonly rank: number
  /** The number says what it is by its unit: no name beside it. */
  readonly bare?: true
  readonly decimals?: number
}

const binary = (yes: string, no: string, rank = 2): Term => ({ words: [yes, no], rank })
const amount = (unit: string, rank: number, more: Partial<Term> = {}): Term => ({ unit, rank, ...more })

/** Not in summaries: how well a device is heard, what it counts, what it is set to. */
const MINOR: Term = { rank: 99 }
const OPENING = binary('open', 'closed')

/** Kinds of facts, by the names that Zigbee2MQTT and Home Assistant's device classes give them. */
export const VOCABULARY: Readonly<Record<string, Term>> = {
  state: { words: ['on', 'off'], rank: 0 },
  switch: { words: ['on', 'off'], rank: 0 },
  on: { words: ['on', 'off'], rank: 0 },
  mode: { rank: 3 },
  action: { rank: 1 },
  // The contact is closed when the door is.
  contact: binary('closed', 'open', 1),
  door: OPENING,
  window: OPENING,
  garage_door: OPENING,
  opening: OPENING,
  lock: binary('unlocked', 'locked'),
  occupancy: binary('motion', 'no motion', 1),
  motion: binary('motion', 'no motion', 1),
  moving: binary('moving', 'still'),
  presence: binary('present', 'nobody', 1),
  water_leak: binary('WATER LEAK', 'dry', 1),
  flood: binary('WATER LEAK', 'dry', 1),
  moisture: binary('wet', 'dry'),
  smoke: binary('SMOKE', 'no smoke', 1),
  gas: binary('GAS', 'no gas', 1),
  carbon_monoxide: binary('CARBON MONOXIDE', 'no carbon monoxide', 1),
  vibration: binary('vibration', 'still'),
  running: binary('running', 'not running'),
  plug: binary('plugged in', 'unplugged'),
  sound: binary('sound', 'quiet'),
  light: binary('light', 'dark'),
  heat: binary('hot', 'normal'),
  cold: binary('cold', 'normal'),
  connectivity: binary('connected', 'disconnected'),
  tamper: binary('TAMPERED', '', 4),
  problem: binary('PROBLEM', '', 1),
  safety: binary('UNSAFE', '', 1),
  battery_low: binary('low battery', '', 8),
  position: amount('%', 1),
  brightness: amount('%', 2, { decimals: 0 }),
  power: amount('W', 3, { bare: true, decimals: 1 }),
  temperature: amount('°C', 3, { bare: true, decimals: 1 }),
  local_temperature: amount('°C', 3, { bare: true, decimals: 1 }),
  current_temperature: amount('°C', 3, { bare: true, decimals: 1 }),
  target_temperature: amount('°C', 4, { decimals: 1 }),
  occupied_heating_setpoint: amount('°C', 4, { decimals: 1 }),
  humidity: amount('%', 4, { decimals: 0 }),
  soil_moisture: amount('%', 4, { decimals: 0 }),
  pressure: amount('hPa', 6, { bare: true, decimals: 0 }),
  atmospheric_pressure: amount('hPa', 6, { bare: true, decimals: 0 }),
  illuminance: amount('lx', 6, { bare: true, decimals: 0 }),
  carbon_dioxide: amount('ppm', 4, { decimals: 0 }),
  co2: amount('ppm', 4, { decimals: 0 }),
  pm25: amount('µg/m³', 5, { decimals: 1 }),
  pm10: amount('µg/m³', 5, { decimals: 1 }),
  voc: { rank: 5 },
  energy: amount('kWh', 7, { bare: true, decimals: 2 }),
  voltage: amount('V', 20, { bare: true, decimals: 1 }),
  current: amount('A', 20, { bare: true, decimals: 2 }),
  battery: amount('%', 8, { decimals: 0 }),
  linkquality: MINOR,
  rssi: { unit: 'dBm', rank: 99 },
  signal_strength: { unit: 'dBm', rank: 99 },
  device_temperature: { unit: '°C', rank: 99, decimals: 0 },
  timestamp: MINOR,
  update_available: MINOR,
}

/** Names of facts by which a device says that something is wrong with it. */
const FAULT_NAME = /^(?:.*_)?(?:errors?|faults?|fault_code|error_code|error_status|overpower|overtemperature|overload)$/
const FINE = new Set(['', '0', 'ok', 'none', 'no', 'no_error', 'no error', 'normal', 'off', 'false', 'good', 'clear'])

/** What the fact complains of, or undefined. */
export function complaintOf(name: string, value: string | number | boolean | null): string | undefined {
  if (value === null || value === false || value === 0) return undefined
  if (/^(?:status|health|condition)$/.test(name))
    return typeof value === 'string' && /^(?:fault|error|failed|failure|alarm)$/i.test(value) ? value : undefined
  if (!FAULT_NAME.test(name) || (typeof value === 'string' && FINE.has(value.toLowerCase()))) return undefined
  const what = name.replaceAll('_', ' ')
  return value === true || value === 1 ? what : `${what} ${value}`
}
