/** How long running calls may go on when the hub stops, and each part may take to start and to stop, milliseconds. */
export const CALLS_GRACE_MS = 5000
export const START_TIMEOUT_MS = 30_000
export const STOP_TIMEOUT_MS = 1500
