import type { IPublishPacket } from 'mqtt'

const counts = new WeakMap<IPublishPacket, number>()

/** Remembers how many secrets were taken out of a packet, for as long as there is the packet. */
export function markRedacted(packet: IPublishPacket, count: number): void {
  counts.set(packet, count)
}

/** How many secrets were taken out of a packet on its way in. */
export const redactedIn = (packet: IPublishPacket): number => counts.get(packet) ?? 0
