/** UUIDs of one block share all but their last seven digits. */
const BLOCK = 0x10000000

let prefix = ''
let count = BLOCK

/**
 * A UUID for a call (RFC 9562, version 8: random but for a counter at the end). It names the call and proves nothing, so it need
 * not be unguessable. One of `crypto.randomUUID` is a tree of a dozen strings in memory, which the audit keeps until it is written.
 */
export function newRequestId(): string {
  if (count >= BLOCK) {
    const random = crypto.randomUUID()
    prefix = `${random.slice(0, 14)}8${random.slice(15, 29)}`
    count = 0
  }
  return prefix + (BLOCK + count++).toString(16).slice(1)
}
