import type { Chance } from './chance.ts'

/** What there is to measure in and around the house at one moment. Nothing here depends on what devices do. */
export interface World {
  /** 0 at night, 1 at noon in summer. */
  readonly daylight: number
  readonly outdoorCelsius: number
  readonly indoorCelsius: number
  readonly greenhouseCelsius: number
  readonly bathroomCelsius: number
  /** Percent. */
  readonly humidity: number
  readonly bathroomHumidity: number
  readonly pressureHpa: number
  readonly mainsVolts: number
  readonly hallMotion: boolean
  readonly frontDoorOpen: boolean
  /** What the washing machine and the kitchen draw, if they have power. */
  readonly washerWatts: number
  readonly kitchenWatts: number
  readonly co2Ppm: number
  /** Micrograms per cubic metre. */
  readonly pm25: number
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** How busy the house is at each full hour: asleep, breakfast, at work, dinner, bed. */
const BUSY = [
  0.05, 0.03, 0.02, 0.02, 0.03, 0.1, 0.6, 0.9, 0.7, 0.4, 0.35, 0.4, 0.6, 0.5, 0.35, 0.35, 0.5, 0.8, 0.9, 0.85, 0.8, 0.7,
  0.4, 0.15,
]

/** The world at a local time (milliseconds since 1970 as the clock on the wall counts them). */
export function worldAt(localMs: number, chance: Chance): World {
  const hour = (localMs % DAY_MS) / HOUR_MS
  const daylight = daylightAt(localMs, hour)
  const busy = busyAt(hour)
  const outdoorCelsius =
    10 -
    9 * Math.cos(yearAngle(localMs) - 0.35) +
    4 * wave(hour, 15) +
    1.5 * chance.drift('weather', localMs, 3 * HOUR_MS)
  const indoorCelsius =
    20.8 + 0.6 * wave(hour, 17) + 0.04 * (outdoorCelsius - 10) + 0.2 * chance.drift('room', localMs, HOUR_MS)
  const shower = bump(hour, 7, 0.4) + 0.6 * bump(hour, 21.5, 0.4)
  return {
    daylight,
    outdoorCelsius,
    indoorCelsius,
    greenhouseCelsius: outdoorCelsius + 3 + 9 * daylight,
    bathroomCelsius: indoorCelsius + 0.8 + 1.6 * shower,
    humidity: 46 + 5 * chance.drift('humidity', localMs, 2 * HOUR_MS),
    bathroomHumidity: 50 + 32 * shower + 3 * chance.drift('bath', localMs, HOUR_MS / 2),
    pressureHpa: 1013 + 9 * chance.drift('pressure', localMs, 12 * HOUR_MS),
    mainsVolts: 230 + 3 * chance.drift('mains', localMs, 5 * MINUTE_MS),
    hallMotion: chance.pulse('hall', localMs, {
      slotMs: 2.5 * MINUTE_MS,
      shortestMs: 20_000,
      longestMs: 70_000,
      probability: busy,
    }),
    frontDoorOpen: chance.pulse('door', localMs, {
      slotMs: 8 * MINUTE_MS,
      shortestMs: 8000,
      longestMs: 25_000,
      probability: busy / 2,
    }),
    washerWatts: washerWatts(localMs, chance),
    kitchenWatts: kitchenWatts(localMs, busy, chance),
    co2Ppm: 450 + 600 * busy + 60 * chance.drift('co2', localMs, 10 * MINUTE_MS),
    pm25: 5 + 2 * chance.drift('dust', localMs, 20 * MINUTE_MS) + 18 * (bump(hour, 12.5, 0.5) + bump(hour, 18.5, 0.7)),
  }
}

/** 0 at new year, one turn a year. */
const yearAngle = (localMs: number) => ((localMs % (365.25 * DAY_MS)) / (365.25 * DAY_MS)) * 2 * Math.PI

/** A daily wave in [-1, 1] that is highest at `peakHour`. */
const wave = (hour: number, peakHour: number) => Math.cos(((hour - peakHour) / 24) * 2 * Math.PI)

/** A hill of height 1 around an hour. */
const bump = (hour: number, atHour: number, widthHours: number) => Math.exp(-(((hour - atHour) / widthHours) ** 2))

function daylightAt(localMs: number, hour: number): number {
  const season = -Math.cos(yearAngle(localMs) + 0.17)
  const dayHours = 12 + 4 * season
  const elevation = Math.sin(((hour - (12.5 - dayHours / 2)) / dayHours) * Math.PI)
  return hour < 12.5 - dayHours / 2 || hour > 12.5 + dayHours / 2 ? 0 : elevation * (0.75 + 0.25 * season)
}

function busyAt(hour: number): number {
  const from = BUSY[Math.floor(hour) % 24] ?? 0
  const to = BUSY[(Math.floor(hour) + 1) % 24] ?? 0
  return from + (to - from) * (hour % 1)
}

const WASH_HOURS = [8, 13, 18]
const STANDBY_WATTS = 1.2

/** Three washes a day, each begun within the hour: fill, heat, tumble, spin, done. */
function washerWatts(localMs: number, chance: Chance): number {
  const day = Math.floor(localMs / DAY_MS)
  for (const hour of WASH_HOURS) {
    const beginMs = day * DAY_MS + (hour + chance.of('wash', day, hour)) * HOUR_MS
    const minute = (localMs - beginMs) / MINUTE_MS
    if (minute >= 0 && minute < 75) return cycleWatts(minute, chance.drift('drum', localMs, 15_000))
  }
  return STANDBY_WATTS
}

function cycleWatts(minute: number, swing: number): number {
  if (minute < 3) return 9 + swing
  if (minute < 18) return 1950 + 30 * swing
  // The drum turns for a while, then rests.
  if (minute < 60) return (minute * 60) % 25 < 15 ? 210 + 60 * swing : 14
  if (minute < 72) return 430 + 90 * swing
  return 6 + swing
}

/** Fridge and router always; kettle and hob when somebody cooks. */
function kitchenWatts(localMs: number, busy: number, chance: Chance): number {
  const fridge = localMs % (25 * MINUTE_MS) < 9 * MINUTE_MS ? 85 : 2
  const kettle = chance.pulse('kettle', localMs, {
    slotMs: 12 * MINUTE_MS,
    shortestMs: 90_000,
    longestMs: 200_000,
    probability: busy * 0.7,
  })
  return 11 + fridge + (kettle ? 1850 : 0) + 3 * chance.drift('kitchen', localMs, MINUTE_MS)
}
