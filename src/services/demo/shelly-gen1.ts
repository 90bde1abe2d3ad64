import { energyMeter, isDue, json, plain, retained, round, type HomeNode, type Message, type Moment } from './node.ts'

/** A roller shutter on a Shelly of the first generation. */
export interface ShutterSpec {
  readonly id: string
  readonly mac: string
  readonly ip: string
  readonly room: string
  readonly what: string
}

type Motion =
  | { readonly is: 'still' }
  | { readonly is: 'moving'; readonly direction: 'open' | 'close'; readonly target: number }

/** Percent of its way a shutter moves in a second, and what its motor draws. */
const SPEED = 5
const MOTOR_WATTS = 152
const REPORT_SECONDS = 30

export function rollerShutter({ id, mac, ip, room, what }: ShutterSpec): HomeNode {
  const base = `shellies/${id}`
  const meter = energyMeter(2.1)
  let position = 100
  let motion: Motion = { is: 'still' }
  let last: 'open' | 'close' = 'open'

  const announcement = { id, model: 'SHSW-25', mac, ip, new_fw: false, fw_ver: '20230913-112234/v1.14.0-gcb84623' }
  const announce = (): Message[] => [
    json('shellies/announce', announcement),
    json(`${base}/announce`, { ...announcement, mode: 'roller' }),
  ]
  const watts = () => (motion.is === 'moving' ? MOTOR_WATTS : 0)
  const report = (now: Moment): Message[] => [
    plain(`${base}/roller/0`, motion.is === 'moving' ? motion.direction : 'stop'),
    plain(`${base}/roller/0/pos`, String(position)),
    plain(`${base}/roller/0/power`, watts().toFixed(2)),
    // Watt-minutes, as all of the first generation count.
    plain(`${base}/roller/0/energy`, String(round(meter.kilowattHours * 60_000))),
    plain(`${base}/temperature`, round(now.world.indoorCelsius + 27, 2).toFixed(2)),
  ]

  const stop = (now: Moment): Message[] => {
    motion = { is: 'still' }
    return [...report(now), plain(`${base}/roller/0/stop_reason`, 'normal')]
  }
  const moveTo = (target: number, now: Moment): Message[] => {
    if (target === position) return report(now)
    last = target > position ? 'open' : 'close'
    motion = { is: 'moving', direction: last, target }
    return report(now)
  }

  const COMMANDS: Readonly<Record<string, (now: Moment) => Message[]>> = {
    open: (now) => moveTo(100, now),
    close: (now) => moveTo(0, now),
    stop,
    // As a single button: stop, or the other way.
    rc: (now) => (motion.is === 'moving' ? stop(now) : moveTo(last === 'open' ? 0 : 100, now)),
  }

  const toPosition = (payload: string, now: Moment): Message[] => {
    const wanted = Number(payload)
    const isPosition = payload.trim() !== '' && Number.isInteger(wanted) && wanted >= 0 && wanted <= 100
    return isPosition ? moveTo(wanted, now) : []
  }

  return {
    clientId: id,
    will: retained(plain(`${base}/online`, 'false')),
    subscriptions: ['shellies/command', `${base}/command`, `${base}/roller/0/command`, `${base}/roller/0/command/pos`],
    roots: [`${base}/`],
    guides: [
      {
        name: id,
        family: 'Shelly Gen1',
        room,
        what,
        reports: [`${base}/roller/0`, `${base}/roller/0/pos`, `${base}/roller/0/power`, `${base}/online`],
        commands: [
          { topic: `${base}/roller/0/command`, payload: 'close', effect: 'lowers it, which takes 20 seconds' },
          { topic: `${base}/roller/0/command/pos`, payload: '50', effect: 'moves it to half open' },
        ],
      },
    ],
    birth: (now) => [retained(plain(`${base}/online`, 'true')), ...announce(), ...report(now)],
    tick(now) {
      meter.measure(watts(), now)
      if (motion.is === 'still') return isDue(now, REPORT_SECONDS, 13) ? report(now) : []
      const { direction, target } = motion
      const next = position + (direction === 'open' ? SPEED : -SPEED)
      position = direction === 'open' ? Math.min(next, target) : Math.max(next, target)
      return position === target ? stop(now) : isDue(now, 2) ? report(now) : []
    },
    receive(topic, payload, now) {
      if (topic === `${base}/roller/0/command/pos`) return toPosition(payload, now)
      // The real one is silent about what it does not understand.
      if (topic === `${base}/roller/0/command`)
        return Object.hasOwn(COMMANDS, payload) ? (COMMANDS[payload]?.(now) ?? []) : []
      if (payload === 'announce') return announce()
      return payload === 'update' ? report(now) : []
    },
  }
}
