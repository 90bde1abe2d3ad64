import { z } from 'zod'
import { isoTime } from '../toolkit.ts'
import type { Device } from './device.ts'
import { describeDevice, plainName } from './wording.ts'

const FullDevice = z.object({
  id: z.string(),
  name: z.string(),
  text: z.string(),
  model: z.string().optional(),
  online: z.boolean().optional(),
  offline_since: z.string().optional(),
  last_seen: z.string().optional(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  units: z.record(z.string(), z.string()).optional(),
  error: z.string().optional(),
})

/** What `list_devices` gives. Members that say nothing are left out: a model pays for each. */
export const DeviceList = z.object({
  groups: z
    .array(
      z.object({
        room: z.string().optional(),
        family: z.string().describe('How they speak; plain: their topics look like devices, a guess.'),
        devices: z.array(z.union([z.string(), FullDevice])).describe('compact: "id (name): state in words".'),
      }),
    )
    .describe('Rooms first, where they are known.'),
  total_devices: z.number(),
  offline: z.number().optional(),
  with_errors: z.number().optional(),
  more_devices: z.number().optional().describe('Beyond the limit: narrow the filter.'),
  partial: z.literal(true).optional().describe('Not everything was heard; reason says why.'),
  reason: z.string().optional(),
})

type DeviceList = z.output<typeof DeviceList>

export interface ListOptions {
  /** Words that must all be in what is told of a device, in any case. */
  readonly filter: string | undefined
  readonly detail: 'compact' | 'full'
  readonly limit: number
}

/** The devices that the filter leaves, by room and family. */
export function deviceList(
  devices: readonly Device[],
  { filter, detail, limit }: ListOptions,
  nowMs: number,
): DeviceList {
  const words = (filter ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const wanted = devices.filter((device) => words.every((word) => textOf(device, nowMs).includes(word)))
  const shown = [...wanted].sort((a, b) => compare(groupOf(a), groupOf(b))).slice(0, limit)
  const groups = new Map<string, Device[]>()
  for (const device of shown) {
    const group = groups.get(groupOf(device))
    if (group) group.push(device)
    else groups.set(groupOf(device), [device])
  }
  const offline = wanted.filter(({ online }) => online === false).length
  const withErrors = wanted.filter(({ error }) => error !== undefined).length
  return {
    groups: [...groups.values()].flatMap((members) => {
      const [first] = members
      if (!first) return []
      const show = (device: Device) => (detail === 'full' ? full(device, nowMs) : line(device, nowMs))
      return [
        { ...(first.room !== undefined && { room: first.room }), family: first.family, devices: members.map(show) },
      ]
    }),
    total_devices: wanted.length,
    ...(offline > 0 && { offline }),
    ...(withErrors > 0 && { with_errors: withErrors }),
    ...(wanted.length > limit && { more_devices: wanted.length - limit }),
  }
}

/** Those without a room come last. */
const groupOf = ({ room, family }: Device) => `${room ?? '\uffff'}\0${family}`
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

const textOf = (device: Device, nowMs: number) =>
  [device.id, device.room, device.family, device.model, describeDevice(device, nowMs)].join(' ').toLowerCase()

/** The id says where to talk to it; the name is left out where the id says it too. */
function line(device: Device, nowMs: number): string {
  const name = plainName(device.name)
  const words = describeDevice(device, nowMs).slice(name.length)
  return plainName(device.id).endsWith(name) ? device.id + words : `${device.id} (${name})${words}`
}

function full(device: Device, nowMs: number): z.output<typeof FullDevice> {
  const { id, name, model, online, offlineSinceMs, lastSeenMs, facts, units, error } = device
  return {
    id,
    name,
    text: describeDevice(device, nowMs),
    ...(model !== undefined && { model }),
    ...(online !== undefined && { online }),
    ...(offlineSinceMs !== undefined && { offline_since: isoTime(offlineSinceMs) }),
    ...(lastSeenMs !== undefined && { last_seen: isoTime(lastSeenMs) }),
    facts,
    ...(Object.keys(units).length > 0 && { units }),
    ...(error !== undefined && { error }),
  }
}
