import type { Aedes, AedesPublishPacket, Client } from 'aedes'

const EVERY_MS = 10_000

/** Publishes the basics that Mosquitto also has under `$SYS/broker/`, every ten seconds. Returns what ends it. */
export function publishStatistics(aedes: Aedes, dropped: () => number, now = () => performance.now()): () => void {
  const startedMs = now()
  let received = 0

  const count = (_: AedesPublishPacket, client: Client | null) => {
    if (client) received += 1
  }
  aedes.on('publish', count)

  const publish = () => {
    const figures = {
      uptime: `${Math.floor((now() - startedMs) / 1000)} seconds`,
      'clients/connected': aedes.connectedClients,
      'messages/received': received,
      'publish/messages/dropped': dropped(),
    }
    for (const [name, value] of Object.entries(figures))
      aedes.publish(
        // Retained, so that whoever asks need not wait; the persistence keeps `$SYS` in memory.
        { cmd: 'publish', topic: `$SYS/broker/${name}`, payload: String(value), qos: 0, retain: true, dup: false },
        () => undefined,
      )
  }
  publish()
  const timer = setInterval(publish, EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
