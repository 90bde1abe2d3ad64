const FNV_PRIME = 0x0100_0193
/** Where a hash begins (FNV-1a, 32 bits). */
export const HASH_SEED = 0x811c_9dc5

/** FNV-1a over UTF-16 units, with a last mix so that texts that differ in one letter do not lie side by side. */
export function hashText(text: string, seed: number = HASH_SEED): number {
  let hash = seed
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}
