/**
 * Resolves after the event loop has looked once for what came meanwhile. To say no takes as long as the work before it, and who
 * refuses a thousand times a second says it here: then whoever asks at that moment waits for one of the two only.
 */
export function othersFirst(): Promise<void> {
  // The first turn ends what came already; only after it the loop looks for more.
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}
