/** How long things are good, seconds. */
export const LIFE = {
  code: 60,
  /** From the first page to the last. */
  interaction: 900,
  /** Without use; each use gives another. */
  refreshToken: 30 * 86_400,
  /** However much it is used. */
  grant: 365 * 86_400,
  session: 14 * 86_400,
  /** Cookies of this machine go to every port of it, so such a session is short. */
  plainSession: 3600,
} as const
