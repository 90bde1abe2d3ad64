import type { Config } from '../config.ts'
import type { Places } from '../kernel/places.ts'

/** The rooms and devices of the configuration. A room's topics are its own and those of the devices that stand in it. */
export function createPlaces({ rooms, devices }: Pick<Config, 'rooms' | 'devices'>): Places {
  const byRoom = new Map(Object.entries(rooms).map(([name, { topics }]) => [name, [...topics]]))
  const byDevice = new Map(Object.entries(devices))
  for (const { room, topics } of byDevice.values()) {
    if (room !== undefined) byRoom.set(room, [...(byRoom.get(room) ?? []), ...topics])
  }
  return {
    topicsOf: (kind, name) => (kind === 'room' ? byRoom.get(name) : byDevice.get(name)?.topics) ?? [],
    roomOf: (device) => byDevice.get(device)?.room,
  }
}
