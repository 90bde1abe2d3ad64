import type { BenchHub } from './hub.ts'

const MB = 1024 * 1024

/** Resident memory of the hub in MB, as it reports it itself. */
export async function residentMb({ httpUrl, token }: BenchHub): Promise<number> {
  const response = await fetch(`${httpUrl}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  const bytes = /^alicia_resident_memory_bytes (\S+)$/m.exec(await response.text())?.[1]
  if (bytes === undefined) throw new Error('The hub does not say how much memory it has.')
  return Number(bytes) / MB
}
