import type { IPublishPacket } from 'mqtt'
import type { Clock } from '../src/kernel/clock.ts'
import type { LiveIndex } from '../src/services/mqtt/index/live-index.ts'

/** Its topic is made of bytes, like one from a socket: a string that was put together keeps its parts. */
const packet = (topic: string, payload: string, retain = false): IPublishPacket => ({
  cmd: 'publish',
  topic: Buffer.from(topic).toString(),
  payload: Buffer.from(payload),
  qos: 0,
  retain,
  dup: false,
})

/** Reports of metering plugs: numbers that always move, a state that rarely turns, an error now and then. */
export function plugPackets(count: number, topics: number): IPublishPacket[] {
  return Array.from({ length: count }, (_, at) => {
    const topic = `zigbee2mqtt/room_${at % topics}_plug`
    if (at % 1000 === 999) return packet('zigbee2mqtt/bridge/logging', `{"level":"error","message":"failed ${at}"}`)
    const state = at % 20_000 < 10_000 ? 'ON' : 'OFF'
    return packet(topic, `{"state":"${state}","power":${at % 97}.5,"voltage":23${at % 7},"energy":${at}}`)
  })
}

/** As many topics as one broker may have, each with a payload of a usual size. */
export function fillIndex(index: LiveIndex, topics: number): void {
  for (let at = 0; at < topics; at++) {
    const payload = `{"state":"ON","power":${at % 97}.5,"voltage":231,"energy":${at},"linkquality":${at % 255},"last_seen":"2026-06-01T18:00:00Z"}`
    index.accept(packet(`site/${at % 50}/building/${at % 977}/device_${at}/state`, payload, at % 3 === 0))
  }
}

/** Timers that never run, so that nothing is measured but what is asked for. */
export const stillClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: () => () => undefined,
}
